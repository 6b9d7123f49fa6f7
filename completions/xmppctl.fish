function __xmppctl_should_offer_completions_for_flags_or_options -a expected_commands
    set -l non_repeating_flags_or_options $argv[2..]
    set -l non_repeating_flags_or_options_absent 0
    set -l positional_index 0
    set -l commands
    __xmppctl_parse_tokens
    test "$commands" = "$expected_commands"; and return $non_repeating_flags_or_options_absent
end

function __xmppctl_should_offer_completions_for_positional -a expected_commands positional_index_comparison expected_positional_index
    set -l non_repeating_flags_or_options
    set -l non_repeating_flags_or_options_absent 0
    set -l positional_index 0
    set -l commands
    __xmppctl_parse_tokens
    test "$commands" = "$expected_commands" -a \( "$positional_index" "$positional_index_comparison" "$expected_positional_index" \)
end

function __xmppctl_parse_tokens -S
    set -l unparsed_tokens (__xmppctl_tokens -pc)
    switch $unparsed_tokens[1]
    case 'xmppctl'
        __xmppctl_parse_subcommand 0 'version' 'h/help'
        switch $unparsed_tokens[1]
        case 'connect'
            __xmppctl_parse_subcommand 1 'json' 'connect-to=+' 'tls=+' 'cacert=+' 'cert=+' 'key=+' 'key-password-file=+' 'pin=+' 'k/insecure' 'tls-min=+' '4/ipv4' '6/ipv6' 'dns-server=+' 'proxy=+' 'connect-timeout=+' 'trace=+' 'trace-secrets' 'v/verbose' 'm/max-time=+' 'help-all' 'version' 'h/help'
        case 'features'
            __xmppctl_parse_subcommand 1 'json' 'xml' 'j/jid=+' 'a/account=+' 'password-file=+' 'password-command=+' 'mechanism=+' 'resource=+' 'compress' 'no-sasl2' 'config=+' 'connect-to=+' 'tls=+' 'cacert=+' 'cert=+' 'key=+' 'key-password-file=+' 'pin=+' 'k/insecure' 'tls-min=+' '4/ipv4' '6/ipv6' 'dns-server=+' 'proxy=+' 'connect-timeout=+' 'trace=+' 'trace-secrets' 'v/verbose' 'm/max-time=+' 'help-all' 'version' 'h/help'
        case 'bind'
            __xmppctl_parse_subcommand 1 'json' 'register' 'j/jid=+' 'a/account=+' 'password-file=+' 'password-command=+' 'mechanism=+' 'resource=+' 'compress' 'no-sasl2' 'config=+' 'connect-to=+' 'tls=+' 'cacert=+' 'cert=+' 'key=+' 'key-password-file=+' 'pin=+' 'k/insecure' 'tls-min=+' '4/ipv4' '6/ipv6' 'dns-server=+' 'proxy=+' 'connect-timeout=+' 'trace=+' 'trace-secrets' 'v/verbose' 'm/max-time=+' 'help-all' 'version' 'h/help'
        case 'send'
            __xmppctl_parse_subcommand -r 1 'm/message=+' 'subject=+' 'thread=+' 'id=+' 'lang=+' 'type=+' 'oob-url=+' 'room' 'nick=+' 'room-password-file=+' 'room-password-command=+' 'lines' 'ndjson' 'xml' 'confirm=+' 'bounce-wait=+' 'keep-going' 'replace-invalid' 'retry' 'json' 'max-time=+' 'j/jid=+' 'a/account=+' 'password-file=+' 'password-command=+' 'mechanism=+' 'resource=+' 'compress' 'no-sasl2' 'config=+' 'connect-to=+' 'tls=+' 'cacert=+' 'cert=+' 'key=+' 'key-password-file=+' 'pin=+' 'k/insecure' 'tls-min=+' '4/ipv4' '6/ipv6' 'dns-server=+' 'proxy=+' 'connect-timeout=+' 'trace=+' 'trace-secrets' 'v/verbose' 'help-all' 'version' 'h/help'
        case 'listen'
            __xmppctl_parse_subcommand 0 'json' 'xml' 'type=+' 'from=+' 'namespace=+' 'n/count=+' 'idle=+' 'm/max-time=+' 'room=+' 'nick=+' 'room-password-file=+' 'room-password-command=+' 'history=+' 'carbons' 'priority=+' 'no-presence' 'since=+' 'receipts' 'no-reconnect' 'ping-interval=+' 'state=+' 'duplex' 'j/jid=+' 'a/account=+' 'password-file=+' 'password-command=+' 'mechanism=+' 'resource=+' 'compress' 'no-sasl2' 'config=+' 'connect-to=+' 'tls=+' 'cacert=+' 'cert=+' 'key=+' 'key-password-file=+' 'pin=+' 'k/insecure' 'tls-min=+' '4/ipv4' '6/ipv6' 'dns-server=+' 'proxy=+' 'connect-timeout=+' 'trace=+' 'trace-secrets' 'v/verbose' 'help-all' 'version' 'h/help'
        case 'help'
            __xmppctl_parse_subcommand -r 1 'version'
        end
    end
end

function __xmppctl_tokens
    if test (string split -m 1 -f 1 -- . "$FISH_VERSION") -gt 3
        commandline --tokens-raw $argv
    else
        commandline -o $argv
    end
end

function __xmppctl_parse_subcommand -S -a positional_count
    argparse -s r -- $argv
    set -l option_specs $argv[2..]
    set -l is_repeating_positional $_flag_r
    set -el _flag_r
    set -a commands $unparsed_tokens[1]
    set positional_index 0
    while true
        set -e unparsed_tokens[1]
        argparse -sn "$commands" $option_specs -- $unparsed_tokens 2> /dev/null
        set unparsed_tokens $argv
        set positional_index (math $positional_index + 1)
        for non_repeating_flag_or_option in $non_repeating_flags_or_options
            if set -ql "_flag_$(string replace -a - _ -- $non_repeating_flag_or_option)"
                set non_repeating_flags_or_options_absent 1
                break
            end
        end
        test (count $unparsed_tokens) -eq 0 -o \( -z "$is_repeating_positional" -a "$positional_index" -gt "$positional_count" \) && break
    end
end

function __xmppctl_complete_directories
    set -l token (commandline -t)
    string match -- '*/' $token
    set -l subdirs $token*/
    printf %s\n $subdirs
end

function __xmppctl_custom_completion
    set -x SAP_SHELL fish
    set -x SAP_SHELL_VERSION $FISH_VERSION
    set -l tokens (__xmppctl_tokens -p)
    if test -z "$(__xmppctl_tokens -t)"
        set -l index (count (__xmppctl_tokens -pc))
        set tokens $tokens[..$index] \'\' $tokens[(math $index + 1)..]
    end
    command $tokens[1] $argv $tokens
end

complete -c 'xmppctl' -f
complete -c 'xmppctl' -n '__xmppctl_should_offer_completions_for_flags_or_options "xmppctl" version' -l 'version' -d 'Show the version.'
complete -c 'xmppctl' -n '__xmppctl_should_offer_completions_for_flags_or_options "xmppctl" h help' -s 'h' -l 'help' -d 'Show help information.'
complete -c 'xmppctl' -n '__xmppctl_should_offer_completions_for_positional "xmppctl" -eq 1' -fa 'connect' -d 'Open a secured stream; show the way there.'
complete -c 'xmppctl' -n '__xmppctl_should_offer_completions_for_positional "xmppctl" -eq 1' -fa 'features' -d 'Show every set of stream features the server offers.'
complete -c 'xmppctl' -n '__xmppctl_should_offer_completions_for_positional "xmppctl" -eq 1' -fa 'bind' -d 'Log in, bind a resource, print the full JID.'
complete -c 'xmppctl' -n '__xmppctl_should_offer_completions_for_positional "xmppctl" -eq 1' -fa 'send' -d 'Send, and know that it arrived.'
complete -c 'xmppctl' -n '__xmppctl_should_offer_completions_for_positional "xmppctl" -eq 1' -fa 'listen' -d 'Print what comes in, one line a stanza.'
complete -c 'xmppctl' -n '__xmppctl_should_offer_completions_for_positional "xmppctl" -eq 1' -fa 'help' -d 'Show subcommand help information.'
complete -c 'xmppctl' -n '__xmppctl_should_offer_completions_for_flags_or_options "xmppctl connect" json' -l 'json' -d 'Print one JSON object.'
complete -c 'xmppctl' -n '__xmppctl_should_offer_completions_for_flags_or_options "xmppctl connect"' -l 'connect-to' -d 'Go to HOST[:PORT] instead of asking DNS.' -rfka ''
complete -c 'xmppctl' -n '__xmppctl_should_offer_completions_for_flags_or_options "xmppctl connect"' -l 'tls' -d 'How the stream becomes secure; default auto.' -rfka 'auto direct starttls none'
complete -c 'xmppctl' -n '__xmppctl_should_offer_completions_for_flags_or_options "xmppctl connect"' -l 'cacert' -d 'Trust the authorities in FILE, not the system\'s.' -rfa '(set -l exts \'pem\' \'crt\';for p in (string match -e -- \'*/\' (commandline -t);or printf \n)*.{$exts};printf %s\n $p;end;__fish_complete_directories (commandline -t) \'\')'
complete -c 'xmppctl' -n '__xmppctl_should_offer_completions_for_flags_or_options "xmppctl connect"' -l 'cert' -d 'Client certificate, PEM.' -rF
complete -c 'xmppctl' -n '__xmppctl_should_offer_completions_for_flags_or_options "xmppctl connect"' -l 'key' -d 'Its key, where that is in another file.' -rF
complete -c 'xmppctl' -n '__xmppctl_should_offer_completions_for_flags_or_options "xmppctl connect"' -l 'key-password-file' -d 'The passphrase of the key is FILE\'s first line.' -rF
complete -c 'xmppctl' -n '__xmppctl_should_offer_completions_for_flags_or_options "xmppctl connect"' -l 'pin' -d 'Accept only this public key: sha256//BASE64. Repeatable.' -rfka ''
complete -c 'xmppctl' -n '__xmppctl_should_offer_completions_for_flags_or_options "xmppctl connect" insecure k' -s 'k' -l 'insecure' -d 'Do not verify the certificate.'
complete -c 'xmppctl' -n '__xmppctl_should_offer_completions_for_flags_or_options "xmppctl connect"' -l 'tls-min' -d 'Oldest TLS version accepted; default 1.2.' -rfka '1.2 1.3'
complete -c 'xmppctl' -n '__xmppctl_should_offer_completions_for_flags_or_options "xmppctl connect" 4 ipv4' -s '4' -l 'ipv4' -d 'Use IPv4 addresses only.'
complete -c 'xmppctl' -n '__xmppctl_should_offer_completions_for_flags_or_options "xmppctl connect" 6 ipv6' -s '6' -l 'ipv6' -d 'Use IPv6 addresses only.'
complete -c 'xmppctl' -n '__xmppctl_should_offer_completions_for_flags_or_options "xmppctl connect"' -l 'dns-server' -d 'Ask this name server.' -rfka ''
complete -c 'xmppctl' -n '__xmppctl_should_offer_completions_for_flags_or_options "xmppctl connect"' -l 'proxy' -d 'Use a proxy, http, socks5 or socks5h://host:port.' -rfka ''
complete -c 'xmppctl' -n '__xmppctl_should_offer_completions_for_flags_or_options "xmppctl connect"' -l 'connect-timeout' -d 'Limit for one endpoint, TCP and TLS; default 10.' -rfka ''
complete -c 'xmppctl' -n '__xmppctl_should_offer_completions_for_flags_or_options "xmppctl connect"' -l 'trace' -d 'Write all XML to FILE; - is stderr.' -rF
complete -c 'xmppctl' -n '__xmppctl_should_offer_completions_for_flags_or_options "xmppctl connect" trace-secrets' -l 'trace-secrets' -d 'Show secrets in the trace too.'
complete -c 'xmppctl' -n '__xmppctl_should_offer_completions_for_flags_or_options "xmppctl connect" v verbose' -l 'verbose' -s 'v' -d 'Say each step on stderr.'
complete -c 'xmppctl' -n '__xmppctl_should_offer_completions_for_flags_or_options "xmppctl connect"' -s 'm' -l 'max-time' -d 'Limit for the whole run; default 30.' -rfka ''
complete -c 'xmppctl' -n '__xmppctl_should_offer_completions_for_flags_or_options "xmppctl connect" help-all' -l 'help-all' -d 'Show all options.'
complete -c 'xmppctl' -n '__xmppctl_should_offer_completions_for_flags_or_options "xmppctl connect" version' -l 'version' -d 'Show the version.'
complete -c 'xmppctl' -n '__xmppctl_should_offer_completions_for_flags_or_options "xmppctl connect" h help' -s 'h' -l 'help' -d 'Show help information.'
complete -c 'xmppctl' -n '__xmppctl_should_offer_completions_for_flags_or_options "xmppctl features" json' -l 'json' -d 'Print one JSON object.'
complete -c 'xmppctl' -n '__xmppctl_should_offer_completions_for_flags_or_options "xmppctl features" xml' -l 'xml' -d 'Print the features elements themselves, one a line.'
complete -c 'xmppctl' -n '__xmppctl_should_offer_completions_for_flags_or_options "xmppctl features"' -l 'jid' -s 'j' -d 'Who logs in; also XMPPCTL_JID.' -rfka ''
complete -c 'xmppctl' -n '__xmppctl_should_offer_completions_for_flags_or_options "xmppctl features"' -l 'account' -s 'a' -d 'An account of the configuration; also XMPPCTL_ACCOUNT.' -rfka '(__xmppctl_custom_completion ---completion features -- --account (count (__xmppctl_tokens -pc)) (commandline -ct | string length))'
complete -c 'xmppctl' -n '__xmppctl_should_offer_completions_for_flags_or_options "xmppctl features"' -l 'password-file' -d 'The password is FILE\'s first line; - is stdin.' -rF
complete -c 'xmppctl' -n '__xmppctl_should_offer_completions_for_flags_or_options "xmppctl features"' -l 'password-command' -d 'The password is the first line CMD prints.' -rfka ''
complete -c 'xmppctl' -n '__xmppctl_should_offer_completions_for_flags_or_options "xmppctl features"' -l 'mechanism' -d 'Use only this SASL mechanism. Repeatable.' -rfka 'EXTERNAL SCRAM-SHA-512-PLUS SCRAM-SHA-256-PLUS SCRAM-SHA-1-PLUS SCRAM-SHA-512 SCRAM-SHA-256 SCRAM-SHA-1 DIGEST-MD5 PLAIN ANONYMOUS'
complete -c 'xmppctl' -n '__xmppctl_should_offer_completions_for_flags_or_options "xmppctl features"' -l 'resource' -d 'The resource wished for; the server makes one otherwise.' -rfka ''
complete -c 'xmppctl' -n '__xmppctl_should_offer_completions_for_flags_or_options "xmppctl features" compress' -l 'compress' -d 'Compress the stream where the server offers it.'
complete -c 'xmppctl' -n '__xmppctl_should_offer_completions_for_flags_or_options "xmppctl features" no-sasl2' -l 'no-sasl2' -d 'Log in as RFC 6120 has it, also where SASL2 is offered.'
complete -c 'xmppctl' -n '__xmppctl_should_offer_completions_for_flags_or_options "xmppctl features"' -l 'config' -d 'Configuration file; also XMPPCTL_CONFIG.' -rfa '(set -l exts \'json5\' \'json\';for p in (string match -e -- \'*/\' (commandline -t);or printf \n)*.{$exts};printf %s\n $p;end;__fish_complete_directories (commandline -t) \'\')'
complete -c 'xmppctl' -n '__xmppctl_should_offer_completions_for_flags_or_options "xmppctl features"' -l 'connect-to' -d 'Go to HOST[:PORT] instead of asking DNS.' -rfka ''
complete -c 'xmppctl' -n '__xmppctl_should_offer_completions_for_flags_or_options "xmppctl features"' -l 'tls' -d 'How the stream becomes secure; default auto.' -rfka 'auto direct starttls none'
complete -c 'xmppctl' -n '__xmppctl_should_offer_completions_for_flags_or_options "xmppctl features"' -l 'cacert' -d 'Trust the authorities in FILE, not the system\'s.' -rfa '(set -l exts \'pem\' \'crt\';for p in (string match -e -- \'*/\' (commandline -t);or printf \n)*.{$exts};printf %s\n $p;end;__fish_complete_directories (commandline -t) \'\')'
complete -c 'xmppctl' -n '__xmppctl_should_offer_completions_for_flags_or_options "xmppctl features"' -l 'cert' -d 'Client certificate, PEM.' -rF
complete -c 'xmppctl' -n '__xmppctl_should_offer_completions_for_flags_or_options "xmppctl features"' -l 'key' -d 'Its key, where that is in another file.' -rF
complete -c 'xmppctl' -n '__xmppctl_should_offer_completions_for_flags_or_options "xmppctl features"' -l 'key-password-file' -d 'The passphrase of the key is FILE\'s first line.' -rF
complete -c 'xmppctl' -n '__xmppctl_should_offer_completions_for_flags_or_options "xmppctl features"' -l 'pin' -d 'Accept only this public key: sha256//BASE64. Repeatable.' -rfka ''
complete -c 'xmppctl' -n '__xmppctl_should_offer_completions_for_flags_or_options "xmppctl features" insecure k' -s 'k' -l 'insecure' -d 'Do not verify the certificate.'
complete -c 'xmppctl' -n '__xmppctl_should_offer_completions_for_flags_or_options "xmppctl features"' -l 'tls-min' -d 'Oldest TLS version accepted; default 1.2.' -rfka '1.2 1.3'
complete -c 'xmppctl' -n '__xmppctl_should_offer_completions_for_flags_or_options "xmppctl features" 4 ipv4' -s '4' -l 'ipv4' -d 'Use IPv4 addresses only.'
complete -c 'xmppctl' -n '__xmppctl_should_offer_completions_for_flags_or_options "xmppctl features" 6 ipv6' -s '6' -l 'ipv6' -d 'Use IPv6 addresses only.'
complete -c 'xmppctl' -n '__xmppctl_should_offer_completions_for_flags_or_options "xmppctl features"' -l 'dns-server' -d 'Ask this name server.' -rfka ''
complete -c 'xmppctl' -n '__xmppctl_should_offer_completions_for_flags_or_options "xmppctl features"' -l 'proxy' -d 'Use a proxy, http, socks5 or socks5h://host:port.' -rfka ''
complete -c 'xmppctl' -n '__xmppctl_should_offer_completions_for_flags_or_options "xmppctl features"' -l 'connect-timeout' -d 'Limit for one endpoint, TCP and TLS; default 10.' -rfka ''
complete -c 'xmppctl' -n '__xmppctl_should_offer_completions_for_flags_or_options "xmppctl features"' -l 'trace' -d 'Write all XML to FILE; - is stderr.' -rF
complete -c 'xmppctl' -n '__xmppctl_should_offer_completions_for_flags_or_options "xmppctl features" trace-secrets' -l 'trace-secrets' -d 'Show secrets in the trace too.'
complete -c 'xmppctl' -n '__xmppctl_should_offer_completions_for_flags_or_options "xmppctl features" v verbose' -l 'verbose' -s 'v' -d 'Say each step on stderr.'
complete -c 'xmppctl' -n '__xmppctl_should_offer_completions_for_flags_or_options "xmppctl features"' -s 'm' -l 'max-time' -d 'Limit for the whole run; default 30.' -rfka ''
complete -c 'xmppctl' -n '__xmppctl_should_offer_completions_for_flags_or_options "xmppctl features" help-all' -l 'help-all' -d 'Show all options.'
complete -c 'xmppctl' -n '__xmppctl_should_offer_completions_for_flags_or_options "xmppctl features" version' -l 'version' -d 'Show the version.'
complete -c 'xmppctl' -n '__xmppctl_should_offer_completions_for_flags_or_options "xmppctl features" h help' -s 'h' -l 'help' -d 'Show help information.'
complete -c 'xmppctl' -n '__xmppctl_should_offer_completions_for_flags_or_options "xmppctl bind" json' -l 'json' -d 'Print one JSON object.'
complete -c 'xmppctl' -n '__xmppctl_should_offer_completions_for_flags_or_options "xmppctl bind" register' -l 'register' -d 'Create the account first (XEP-0077).'
complete -c 'xmppctl' -n '__xmppctl_should_offer_completions_for_flags_or_options "xmppctl bind"' -l 'jid' -s 'j' -d 'Who logs in; also XMPPCTL_JID.' -rfka ''
complete -c 'xmppctl' -n '__xmppctl_should_offer_completions_for_flags_or_options "xmppctl bind"' -l 'account' -s 'a' -d 'An account of the configuration; also XMPPCTL_ACCOUNT.' -rfka '(__xmppctl_custom_completion ---completion bind -- --account (count (__xmppctl_tokens -pc)) (commandline -ct | string length))'
complete -c 'xmppctl' -n '__xmppctl_should_offer_completions_for_flags_or_options "xmppctl bind"' -l 'password-file' -d 'The password is FILE\'s first line; - is stdin.' -rF
complete -c 'xmppctl' -n '__xmppctl_should_offer_completions_for_flags_or_options "xmppctl bind"' -l 'password-command' -d 'The password is the first line CMD prints.' -rfka ''
complete -c 'xmppctl' -n '__xmppctl_should_offer_completions_for_flags_or_options "xmppctl bind"' -l 'mechanism' -d 'Use only this SASL mechanism. Repeatable.' -rfka 'EXTERNAL SCRAM-SHA-512-PLUS SCRAM-SHA-256-PLUS SCRAM-SHA-1-PLUS SCRAM-SHA-512 SCRAM-SHA-256 SCRAM-SHA-1 DIGEST-MD5 PLAIN ANONYMOUS'
complete -c 'xmppctl' -n '__xmppctl_should_offer_completions_for_flags_or_options "xmppctl bind"' -l 'resource' -d 'The resource wished for; the server makes one otherwise.' -rfka ''
complete -c 'xmppctl' -n '__xmppctl_should_offer_completions_for_flags_or_options "xmppctl bind" compress' -l 'compress' -d 'Compress the stream where the server offers it.'
complete -c 'xmppctl' -n '__xmppctl_should_offer_completions_for_flags_or_options "xmppctl bind" no-sasl2' -l 'no-sasl2' -d 'Log in as RFC 6120 has it, also where SASL2 is offered.'
complete -c 'xmppctl' -n '__xmppctl_should_offer_completions_for_flags_or_options "xmppctl bind"' -l 'config' -d 'Configuration file; also XMPPCTL_CONFIG.' -rfa '(set -l exts \'json5\' \'json\';for p in (string match -e -- \'*/\' (commandline -t);or printf \n)*.{$exts};printf %s\n $p;end;__fish_complete_directories (commandline -t) \'\')'
complete -c 'xmppctl' -n '__xmppctl_should_offer_completions_for_flags_or_options "xmppctl bind"' -l 'connect-to' -d 'Go to HOST[:PORT] instead of asking DNS.' -rfka ''
complete -c 'xmppctl' -n '__xmppctl_should_offer_completions_for_flags_or_options "xmppctl bind"' -l 'tls' -d 'How the stream becomes secure; default auto.' -rfka 'auto direct starttls none'
complete -c 'xmppctl' -n '__xmppctl_should_offer_completions_for_flags_or_options "xmppctl bind"' -l 'cacert' -d 'Trust the authorities in FILE, not the system\'s.' -rfa '(set -l exts \'pem\' \'crt\';for p in (string match -e -- \'*/\' (commandline -t);or printf \n)*.{$exts};printf %s\n $p;end;__fish_complete_directories (commandline -t) \'\')'
complete -c 'xmppctl' -n '__xmppctl_should_offer_completions_for_flags_or_options "xmppctl bind"' -l 'cert' -d 'Client certificate, PEM.' -rF
complete -c 'xmppctl' -n '__xmppctl_should_offer_completions_for_flags_or_options "xmppctl bind"' -l 'key' -d 'Its key, where that is in another file.' -rF
complete -c 'xmppctl' -n '__xmppctl_should_offer_completions_for_flags_or_options "xmppctl bind"' -l 'key-password-file' -d 'The passphrase of the key is FILE\'s first line.' -rF
complete -c 'xmppctl' -n '__xmppctl_should_offer_completions_for_flags_or_options "xmppctl bind"' -l 'pin' -d 'Accept only this public key: sha256//BASE64. Repeatable.' -rfka ''
complete -c 'xmppctl' -n '__xmppctl_should_offer_completions_for_flags_or_options "xmppctl bind" insecure k' -s 'k' -l 'insecure' -d 'Do not verify the certificate.'
complete -c 'xmppctl' -n '__xmppctl_should_offer_completions_for_flags_or_options "xmppctl bind"' -l 'tls-min' -d 'Oldest TLS version accepted; default 1.2.' -rfka '1.2 1.3'
complete -c 'xmppctl' -n '__xmppctl_should_offer_completions_for_flags_or_options "xmppctl bind" 4 ipv4' -s '4' -l 'ipv4' -d 'Use IPv4 addresses only.'
complete -c 'xmppctl' -n '__xmppctl_should_offer_completions_for_flags_or_options "xmppctl bind" 6 ipv6' -s '6' -l 'ipv6' -d 'Use IPv6 addresses only.'
complete -c 'xmppctl' -n '__xmppctl_should_offer_completions_for_flags_or_options "xmppctl bind"' -l 'dns-server' -d 'Ask this name server.' -rfka ''
complete -c 'xmppctl' -n '__xmppctl_should_offer_completions_for_flags_or_options "xmppctl bind"' -l 'proxy' -d 'Use a proxy, http, socks5 or socks5h://host:port.' -rfka ''
complete -c 'xmppctl' -n '__xmppctl_should_offer_completions_for_flags_or_options "xmppctl bind"' -l 'connect-timeout' -d 'Limit for one endpoint, TCP and TLS; default 10.' -rfka ''
complete -c 'xmppctl' -n '__xmppctl_should_offer_completions_for_flags_or_options "xmppctl bind"' -l 'trace' -d 'Write all XML to FILE; - is stderr.' -rF
complete -c 'xmppctl' -n '__xmppctl_should_offer_completions_for_flags_or_options "xmppctl bind" trace-secrets' -l 'trace-secrets' -d 'Show secrets in the trace too.'
complete -c 'xmppctl' -n '__xmppctl_should_offer_completions_for_flags_or_options "xmppctl bind" v verbose' -l 'verbose' -s 'v' -d 'Say each step on stderr.'
complete -c 'xmppctl' -n '__xmppctl_should_offer_completions_for_flags_or_options "xmppctl bind"' -s 'm' -l 'max-time' -d 'Limit for the whole run; default 30.' -rfka ''
complete -c 'xmppctl' -n '__xmppctl_should_offer_completions_for_flags_or_options "xmppctl bind" help-all' -l 'help-all' -d 'Show all options.'
complete -c 'xmppctl' -n '__xmppctl_should_offer_completions_for_flags_or_options "xmppctl bind" version' -l 'version' -d 'Show the version.'
complete -c 'xmppctl' -n '__xmppctl_should_offer_completions_for_flags_or_options "xmppctl bind" h help' -s 'h' -l 'help' -d 'Show help information.'
complete -c 'xmppctl' -n '__xmppctl_should_offer_completions_for_flags_or_options "xmppctl send"' -l 'message' -s 'm' -d 'The body; without it standard input is the body.' -rfka ''
complete -c 'xmppctl' -n '__xmppctl_should_offer_completions_for_flags_or_options "xmppctl send"' -l 'subject' -d 'The subject.' -rfka ''
complete -c 'xmppctl' -n '__xmppctl_should_offer_completions_for_flags_or_options "xmppctl send"' -l 'thread' -d 'The thread the message belongs to.' -rfka ''
complete -c 'xmppctl' -n '__xmppctl_should_offer_completions_for_flags_or_options "xmppctl send"' -l 'id' -d 'The id of the message; random without it.' -rfka ''
complete -c 'xmppctl' -n '__xmppctl_should_offer_completions_for_flags_or_options "xmppctl send"' -l 'lang' -d 'The language of the text.' -rfka ''
complete -c 'xmppctl' -n '__xmppctl_should_offer_completions_for_flags_or_options "xmppctl send"' -l 'type' -d 'What kind of message; default chat.' -rfka 'chat normal headline groupchat'
complete -c 'xmppctl' -n '__xmppctl_should_offer_completions_for_flags_or_options "xmppctl send"' -l 'oob-url' -d 'A link that goes with it (XEP-0066).' -rfka ''
complete -c 'xmppctl' -n '__xmppctl_should_offer_completions_for_flags_or_options "xmppctl send" room' -l 'room' -d 'The recipients are rooms: join, send, leave.'
complete -c 'xmppctl' -n '__xmppctl_should_offer_completions_for_flags_or_options "xmppctl send"' -l 'nick' -d 'The nickname in the rooms; default the localpart.' -rfka ''
complete -c 'xmppctl' -n '__xmppctl_should_offer_completions_for_flags_or_options "xmppctl send"' -l 'room-password-file' -d 'Read the room\'s password from the first line of FILE; - is stdin.' -rF
complete -c 'xmppctl' -n '__xmppctl_should_offer_completions_for_flags_or_options "xmppctl send"' -l 'room-password-command' -d 'Take the room\'s password from the first line that CMD prints.' -rfka ''
complete -c 'xmppctl' -n '__xmppctl_should_offer_completions_for_flags_or_options "xmppctl send" lines' -l 'lines' -d 'Each line of standard input is a message.'
complete -c 'xmppctl' -n '__xmppctl_should_offer_completions_for_flags_or_options "xmppctl send" ndjson' -l 'ndjson' -d 'Each line of standard input is a JSON object.'
complete -c 'xmppctl' -n '__xmppctl_should_offer_completions_for_flags_or_options "xmppctl send" xml' -l 'xml' -d 'Standard input is stanzas; iqs\' answers are printed.'
complete -c 'xmppctl' -n '__xmppctl_should_offer_completions_for_flags_or_options "xmppctl send"' -l 'confirm' -d 'What must confirm it; default server.' -rfka 'server receipt none'
complete -c 'xmppctl' -n '__xmppctl_should_offer_completions_for_flags_or_options "xmppctl send"' -l 'bounce-wait' -d 'Wait for an error from another domain, at most SEC seconds; default 2.' -rfka ''
complete -c 'xmppctl' -n '__xmppctl_should_offer_completions_for_flags_or_options "xmppctl send" keep-going' -l 'keep-going' -d 'Pass over bad lines of the input.'
complete -c 'xmppctl' -n '__xmppctl_should_offer_completions_for_flags_or_options "xmppctl send" replace-invalid' -l 'replace-invalid' -d 'Put U+FFFD where XML cannot carry a character.'
complete -c 'xmppctl' -n '__xmppctl_should_offer_completions_for_flags_or_options "xmppctl send" retry' -l 'retry' -d 'Connect again for what surely was not sent.'
complete -c 'xmppctl' -n '__xmppctl_should_offer_completions_for_flags_or_options "xmppctl send" json' -l 'json' -d 'Print a line of JSON for each stanza.'
complete -c 'xmppctl' -n '__xmppctl_should_offer_completions_for_flags_or_options "xmppctl send"' -l 'max-time' -d 'Limit for the whole run; default 30.' -rfka ''
complete -c 'xmppctl' -n '__xmppctl_should_offer_completions_for_flags_or_options "xmppctl send"' -l 'jid' -s 'j' -d 'Who logs in; also XMPPCTL_JID.' -rfka ''
complete -c 'xmppctl' -n '__xmppctl_should_offer_completions_for_flags_or_options "xmppctl send"' -l 'account' -s 'a' -d 'An account of the configuration; also XMPPCTL_ACCOUNT.' -rfka '(__xmppctl_custom_completion ---completion send -- --account (count (__xmppctl_tokens -pc)) (commandline -ct | string length))'
complete -c 'xmppctl' -n '__xmppctl_should_offer_completions_for_flags_or_options "xmppctl send"' -l 'password-file' -d 'The password is FILE\'s first line; - is stdin.' -rF
complete -c 'xmppctl' -n '__xmppctl_should_offer_completions_for_flags_or_options "xmppctl send"' -l 'password-command' -d 'The password is the first line CMD prints.' -rfka ''
complete -c 'xmppctl' -n '__xmppctl_should_offer_completions_for_flags_or_options "xmppctl send"' -l 'mechanism' -d 'Use only this SASL mechanism. Repeatable.' -rfka 'EXTERNAL SCRAM-SHA-512-PLUS SCRAM-SHA-256-PLUS SCRAM-SHA-1-PLUS SCRAM-SHA-512 SCRAM-SHA-256 SCRAM-SHA-1 DIGEST-MD5 PLAIN ANONYMOUS'
complete -c 'xmppctl' -n '__xmppctl_should_offer_completions_for_flags_or_options "xmppctl send"' -l 'resource' -d 'The resource wished for; the server makes one otherwise.' -rfka ''
complete -c 'xmppctl' -n '__xmppctl_should_offer_completions_for_flags_or_options "xmppctl send" compress' -l 'compress' -d 'Compress the stream where the server offers it.'
complete -c 'xmppctl' -n '__xmppctl_should_offer_completions_for_flags_or_options "xmppctl send" no-sasl2' -l 'no-sasl2' -d 'Log in as RFC 6120 has it, also where SASL2 is offered.'
complete -c 'xmppctl' -n '__xmppctl_should_offer_completions_for_flags_or_options "xmppctl send"' -l 'config' -d 'Configuration file; also XMPPCTL_CONFIG.' -rfa '(set -l exts \'json5\' \'json\';for p in (string match -e -- \'*/\' (commandline -t);or printf \n)*.{$exts};printf %s\n $p;end;__fish_complete_directories (commandline -t) \'\')'
complete -c 'xmppctl' -n '__xmppctl_should_offer_completions_for_flags_or_options "xmppctl send"' -l 'connect-to' -d 'Go to HOST[:PORT] instead of asking DNS.' -rfka ''
complete -c 'xmppctl' -n '__xmppctl_should_offer_completions_for_flags_or_options "xmppctl send"' -l 'tls' -d 'How the stream becomes secure; default auto.' -rfka 'auto direct starttls none'
complete -c 'xmppctl' -n '__xmppctl_should_offer_completions_for_flags_or_options "xmppctl send"' -l 'cacert' -d 'Trust the authorities in FILE, not the system\'s.' -rfa '(set -l exts \'pem\' \'crt\';for p in (string match -e -- \'*/\' (commandline -t);or printf \n)*.{$exts};printf %s\n $p;end;__fish_complete_directories (commandline -t) \'\')'
complete -c 'xmppctl' -n '__xmppctl_should_offer_completions_for_flags_or_options "xmppctl send"' -l 'cert' -d 'Client certificate, PEM.' -rF
complete -c 'xmppctl' -n '__xmppctl_should_offer_completions_for_flags_or_options "xmppctl send"' -l 'key' -d 'Its key, where that is in another file.' -rF
complete -c 'xmppctl' -n '__xmppctl_should_offer_completions_for_flags_or_options "xmppctl send"' -l 'key-password-file' -d 'The passphrase of the key is FILE\'s first line.' -rF
complete -c 'xmppctl' -n '__xmppctl_should_offer_completions_for_flags_or_options "xmppctl send"' -l 'pin' -d 'Accept only this public key: sha256//BASE64. Repeatable.' -rfka ''
complete -c 'xmppctl' -n '__xmppctl_should_offer_completions_for_flags_or_options "xmppctl send" insecure k' -s 'k' -l 'insecure' -d 'Do not verify the certificate.'
complete -c 'xmppctl' -n '__xmppctl_should_offer_completions_for_flags_or_options "xmppctl send"' -l 'tls-min' -d 'Oldest TLS version accepted; default 1.2.' -rfka '1.2 1.3'
complete -c 'xmppctl' -n '__xmppctl_should_offer_completions_for_flags_or_options "xmppctl send" 4 ipv4' -s '4' -l 'ipv4' -d 'Use IPv4 addresses only.'
complete -c 'xmppctl' -n '__xmppctl_should_offer_completions_for_flags_or_options "xmppctl send" 6 ipv6' -s '6' -l 'ipv6' -d 'Use IPv6 addresses only.'
complete -c 'xmppctl' -n '__xmppctl_should_offer_completions_for_flags_or_options "xmppctl send"' -l 'dns-server' -d 'Ask this name server.' -rfka ''
complete -c 'xmppctl' -n '__xmppctl_should_offer_completions_for_flags_or_options "xmppctl send"' -l 'proxy' -d 'Use a proxy, http, socks5 or socks5h://host:port.' -rfka ''
complete -c 'xmppctl' -n '__xmppctl_should_offer_completions_for_flags_or_options "xmppctl send"' -l 'connect-timeout' -d 'Limit for one endpoint, TCP and TLS; default 10.' -rfka ''
complete -c 'xmppctl' -n '__xmppctl_should_offer_completions_for_flags_or_options "xmppctl send"' -l 'trace' -d 'Write all XML to FILE; - is stderr.' -rF
complete -c 'xmppctl' -n '__xmppctl_should_offer_completions_for_flags_or_options "xmppctl send" trace-secrets' -l 'trace-secrets' -d 'Show secrets in the trace too.'
complete -c 'xmppctl' -n '__xmppctl_should_offer_completions_for_flags_or_options "xmppctl send" v verbose' -l 'verbose' -s 'v' -d 'Say each step on stderr.'
complete -c 'xmppctl' -n '__xmppctl_should_offer_completions_for_flags_or_options "xmppctl send" help-all' -l 'help-all' -d 'Show all options.'
complete -c 'xmppctl' -n '__xmppctl_should_offer_completions_for_flags_or_options "xmppctl send" version' -l 'version' -d 'Show the version.'
complete -c 'xmppctl' -n '__xmppctl_should_offer_completions_for_flags_or_options "xmppctl send" h help' -s 'h' -l 'help' -d 'Show help information.'
complete -c 'xmppctl' -n '__xmppctl_should_offer_completions_for_flags_or_options "xmppctl listen" json' -l 'json' -d 'Print JSON objects.'
complete -c 'xmppctl' -n '__xmppctl_should_offer_completions_for_flags_or_options "xmppctl listen" xml' -l 'xml' -d 'Print the stanzas themselves.'
complete -c 'xmppctl' -n '__xmppctl_should_offer_completions_for_flags_or_options "xmppctl listen"' -l 'type' -d 'Only message, presence, iq, chat, … Repeatable.' -rfka 'message presence iq chat normal headline groupchat error'
complete -c 'xmppctl' -n '__xmppctl_should_offer_completions_for_flags_or_options "xmppctl listen"' -l 'from' -d 'Only from this JID or domain. Repeatable.' -rfka ''
complete -c 'xmppctl' -n '__xmppctl_should_offer_completions_for_flags_or_options "xmppctl listen"' -l 'namespace' -d 'Only with a payload in this namespace. Repeatable.' -rfka ''
complete -c 'xmppctl' -n '__xmppctl_should_offer_completions_for_flags_or_options "xmppctl listen"' -s 'n' -l 'count' -d 'Stop after N lines.' -rfka ''
complete -c 'xmppctl' -n '__xmppctl_should_offer_completions_for_flags_or_options "xmppctl listen"' -l 'idle' -d 'Stop when nothing was printed for S seconds.' -rfka ''
complete -c 'xmppctl' -n '__xmppctl_should_offer_completions_for_flags_or_options "xmppctl listen"' -s 'm' -l 'max-time' -d 'Stop after S seconds; without it, never.' -rfka ''
complete -c 'xmppctl' -n '__xmppctl_should_offer_completions_for_flags_or_options "xmppctl listen"' -l 'room' -d 'Join this room. Repeatable.' -rfka ''
complete -c 'xmppctl' -n '__xmppctl_should_offer_completions_for_flags_or_options "xmppctl listen"' -l 'nick' -d 'The nickname in rooms; the localpart otherwise.' -rfka ''
complete -c 'xmppctl' -n '__xmppctl_should_offer_completions_for_flags_or_options "xmppctl listen"' -l 'room-password-file' -d 'Read the room\'s password from the first line of FILE; - is stdin.' -rF
complete -c 'xmppctl' -n '__xmppctl_should_offer_completions_for_flags_or_options "xmppctl listen"' -l 'room-password-command' -d 'Take the room\'s password from the first line that CMD prints.' -rfka ''
complete -c 'xmppctl' -n '__xmppctl_should_offer_completions_for_flags_or_options "xmppctl listen"' -l 'history' -d 'Ask a room for its last N messages.' -rfka ''
complete -c 'xmppctl' -n '__xmppctl_should_offer_completions_for_flags_or_options "xmppctl listen" carbons' -l 'carbons' -d 'Also what the account\'s other devices get and send (XEP-0280).'
complete -c 'xmppctl' -n '__xmppctl_should_offer_completions_for_flags_or_options "xmppctl listen"' -l 'priority' -d 'The priority of the presence, -128 to 127.' -rfka ''
complete -c 'xmppctl' -n '__xmppctl_should_offer_completions_for_flags_or_options "xmppctl listen" no-presence' -l 'no-presence' -d 'Announce no presence.'
complete -c 'xmppctl' -n '__xmppctl_should_offer_completions_for_flags_or_options "xmppctl listen"' -l 'since' -d 'First the archive, since then or the last N.' -rfka ''
complete -c 'xmppctl' -n '__xmppctl_should_offer_completions_for_flags_or_options "xmppctl listen" receipts' -l 'receipts' -d 'Send receipts (XEP-0184), once the line is written.'
complete -c 'xmppctl' -n '__xmppctl_should_offer_completions_for_flags_or_options "xmppctl listen" no-reconnect' -l 'no-reconnect' -d 'End at the first disconnection.'
complete -c 'xmppctl' -n '__xmppctl_should_offer_completions_for_flags_or_options "xmppctl listen"' -l 'ping-interval' -d 'Ask the server whether it is there after S seconds of silence; default 60.' -rfka ''
complete -c 'xmppctl' -n '__xmppctl_should_offer_completions_for_flags_or_options "xmppctl listen"' -l 'state' -d 'Keep the session in FILE: the next run resumes it.' -rF
complete -c 'xmppctl' -n '__xmppctl_should_offer_completions_for_flags_or_options "xmppctl listen" duplex' -l 'duplex' -d 'Also send what comes on stdin, as of send --ndjson.'
complete -c 'xmppctl' -n '__xmppctl_should_offer_completions_for_flags_or_options "xmppctl listen"' -l 'jid' -s 'j' -d 'Who logs in; also XMPPCTL_JID.' -rfka ''
complete -c 'xmppctl' -n '__xmppctl_should_offer_completions_for_flags_or_options "xmppctl listen"' -l 'account' -s 'a' -d 'An account of the configuration; also XMPPCTL_ACCOUNT.' -rfka '(__xmppctl_custom_completion ---completion listen -- --account (count (__xmppctl_tokens -pc)) (commandline -ct | string length))'
complete -c 'xmppctl' -n '__xmppctl_should_offer_completions_for_flags_or_options "xmppctl listen"' -l 'password-file' -d 'The password is FILE\'s first line; - is stdin.' -rF
complete -c 'xmppctl' -n '__xmppctl_should_offer_completions_for_flags_or_options "xmppctl listen"' -l 'password-command' -d 'The password is the first line CMD prints.' -rfka ''
complete -c 'xmppctl' -n '__xmppctl_should_offer_completions_for_flags_or_options "xmppctl listen"' -l 'mechanism' -d 'Use only this SASL mechanism. Repeatable.' -rfka 'EXTERNAL SCRAM-SHA-512-PLUS SCRAM-SHA-256-PLUS SCRAM-SHA-1-PLUS SCRAM-SHA-512 SCRAM-SHA-256 SCRAM-SHA-1 DIGEST-MD5 PLAIN ANONYMOUS'
complete -c 'xmppctl' -n '__xmppctl_should_offer_completions_for_flags_or_options "xmppctl listen"' -l 'resource' -d 'The resource wished for; the server makes one otherwise.' -rfka ''
complete -c 'xmppctl' -n '__xmppctl_should_offer_completions_for_flags_or_options "xmppctl listen" compress' -l 'compress' -d 'Compress the stream where the server offers it.'
complete -c 'xmppctl' -n '__xmppctl_should_offer_completions_for_flags_or_options "xmppctl listen" no-sasl2' -l 'no-sasl2' -d 'Log in as RFC 6120 has it, also where SASL2 is offered.'
complete -c 'xmppctl' -n '__xmppctl_should_offer_completions_for_flags_or_options "xmppctl listen"' -l 'config' -d 'Configuration file; also XMPPCTL_CONFIG.' -rfa '(set -l exts \'json5\' \'json\';for p in (string match -e -- \'*/\' (commandline -t);or printf \n)*.{$exts};printf %s\n $p;end;__fish_complete_directories (commandline -t) \'\')'
complete -c 'xmppctl' -n '__xmppctl_should_offer_completions_for_flags_or_options "xmppctl listen"' -l 'connect-to' -d 'Go to HOST[:PORT] instead of asking DNS.' -rfka ''
complete -c 'xmppctl' -n '__xmppctl_should_offer_completions_for_flags_or_options "xmppctl listen"' -l 'tls' -d 'How the stream becomes secure; default auto.' -rfka 'auto direct starttls none'
complete -c 'xmppctl' -n '__xmppctl_should_offer_completions_for_flags_or_options "xmppctl listen"' -l 'cacert' -d 'Trust the authorities in FILE, not the system\'s.' -rfa '(set -l exts \'pem\' \'crt\';for p in (string match -e -- \'*/\' (commandline -t);or printf \n)*.{$exts};printf %s\n $p;end;__fish_complete_directories (commandline -t) \'\')'
complete -c 'xmppctl' -n '__xmppctl_should_offer_completions_for_flags_or_options "xmppctl listen"' -l 'cert' -d 'Client certificate, PEM.' -rF
complete -c 'xmppctl' -n '__xmppctl_should_offer_completions_for_flags_or_options "xmppctl listen"' -l 'key' -d 'Its key, where that is in another file.' -rF
complete -c 'xmppctl' -n '__xmppctl_should_offer_completions_for_flags_or_options "xmppctl listen"' -l 'key-password-file' -d 'The passphrase of the key is FILE\'s first line.' -rF
complete -c 'xmppctl' -n '__xmppctl_should_offer_completions_for_flags_or_options "xmppctl listen"' -l 'pin' -d 'Accept only this public key: sha256//BASE64. Repeatable.' -rfka ''
complete -c 'xmppctl' -n '__xmppctl_should_offer_completions_for_flags_or_options "xmppctl listen" insecure k' -s 'k' -l 'insecure' -d 'Do not verify the certificate.'
complete -c 'xmppctl' -n '__xmppctl_should_offer_completions_for_flags_or_options "xmppctl listen"' -l 'tls-min' -d 'Oldest TLS version accepted; default 1.2.' -rfka '1.2 1.3'
complete -c 'xmppctl' -n '__xmppctl_should_offer_completions_for_flags_or_options "xmppctl listen" 4 ipv4' -s '4' -l 'ipv4' -d 'Use IPv4 addresses only.'
complete -c 'xmppctl' -n '__xmppctl_should_offer_completions_for_flags_or_options "xmppctl listen" 6 ipv6' -s '6' -l 'ipv6' -d 'Use IPv6 addresses only.'
complete -c 'xmppctl' -n '__xmppctl_should_offer_completions_for_flags_or_options "xmppctl listen"' -l 'dns-server' -d 'Ask this name server.' -rfka ''
complete -c 'xmppctl' -n '__xmppctl_should_offer_completions_for_flags_or_options "xmppctl listen"' -l 'proxy' -d 'Use a proxy, http, socks5 or socks5h://host:port.' -rfka ''
complete -c 'xmppctl' -n '__xmppctl_should_offer_completions_for_flags_or_options "xmppctl listen"' -l 'connect-timeout' -d 'Limit for one endpoint, TCP and TLS; default 10.' -rfka ''
complete -c 'xmppctl' -n '__xmppctl_should_offer_completions_for_flags_or_options "xmppctl listen"' -l 'trace' -d 'Write all XML to FILE; - is stderr.' -rF
complete -c 'xmppctl' -n '__xmppctl_should_offer_completions_for_flags_or_options "xmppctl listen" trace-secrets' -l 'trace-secrets' -d 'Show secrets in the trace too.'
complete -c 'xmppctl' -n '__xmppctl_should_offer_completions_for_flags_or_options "xmppctl listen" v verbose' -l 'verbose' -s 'v' -d 'Say each step on stderr.'
complete -c 'xmppctl' -n '__xmppctl_should_offer_completions_for_flags_or_options "xmppctl listen" help-all' -l 'help-all' -d 'Show all options.'
complete -c 'xmppctl' -n '__xmppctl_should_offer_completions_for_flags_or_options "xmppctl listen" version' -l 'version' -d 'Show the version.'
complete -c 'xmppctl' -n '__xmppctl_should_offer_completions_for_flags_or_options "xmppctl listen" h help' -s 'h' -l 'help' -d 'Show help information.'
complete -c 'xmppctl' -n '__xmppctl_should_offer_completions_for_flags_or_options "xmppctl help" version' -l 'version' -d 'Show the version.'
