#!/bin/bash

__xmppctl_cursor_index_in_current_word() {
    local remaining="${COMP_LINE}"

    local word
    for word in "${COMP_WORDS[@]::COMP_CWORD}"; do
        remaining="${remaining##*([[:space:]])"${word}"*([[:space:]])}"
    done

    local -ir index="$((COMP_POINT - ${#COMP_LINE} + ${#remaining}))"
    if [[ "${index}" -le 0 ]]; then
        printf 0
    else
        printf %s "${index}"
    fi
}

# positional arguments:
#
# - 1: the current (sub)command's count of positional arguments
#
# required variables:
#
# - repeating_flags: the repeating flags that the current (sub)command can accept
# - non_repeating_flags: the non-repeating flags that the current (sub)command can accept
# - repeating_options: the repeating options that the current (sub)command can accept
# - non_repeating_options: the non-repeating options that the current (sub)command can accept
# - positional_number: value ignored
# - unparsed_words: unparsed words from the current command line
#
# modified variables:
#
# - non_repeating_flags: remove flags for this (sub)command that are already on the command line
# - non_repeating_options: remove options for this (sub)command that are already on the command line
# - positional_number: set to the current positional number
# - unparsed_words: remove all flags, options, and option values for this (sub)command
__xmppctl_offer_flags_options() {
    local -ir positional_count="${1}"
    positional_number=0

    local was_flag_option_terminator_seen=false
    local is_parsing_option_value=false

    local -ar unparsed_word_indices=("${!unparsed_words[@]}")
    local -i word_index
    for word_index in "${unparsed_word_indices[@]}"; do
        if "${is_parsing_option_value}"; then
            # This word is an option value:
            # Reset marker for next word iff not currently the last word
            [[ "${word_index}" -ne "${unparsed_word_indices[${#unparsed_word_indices[@]} - 1]}" ]] && is_parsing_option_value=false
            unset "unparsed_words[${word_index}]"
            # Do not process this word as a flag or an option
            continue
        fi

        local word="${unparsed_words["${word_index}"]}"
        if ! "${was_flag_option_terminator_seen}"; then
            case "${word}" in
            --)
                unset "unparsed_words[${word_index}]"
                # by itself -- is a flag/option terminator, but if it is the last word, it is the start of a completion
                if [[ "${word_index}" -ne "${unparsed_word_indices[${#unparsed_word_indices[@]} - 1]}" ]]; then
                    was_flag_option_terminator_seen=true
                fi
                continue
                ;;
            -*)
                # ${word} is a flag or an option
                # If ${word} is an option, mark that the next word to be parsed is an option value
                local option
                for option in "${repeating_options[@]}" "${non_repeating_options[@]}"; do
                    [[ "${word}" = "${option}" ]] && is_parsing_option_value=true && break
                done

                # Remove ${word} from ${non_repeating_flags} or ${non_repeating_options} so it isn't offered again
                local not_found=true
                local -i index
                for index in "${!non_repeating_flags[@]}"; do
                    if [[ "${non_repeating_flags[${index}]}" = "${word}" ]]; then
                        unset "non_repeating_flags[${index}]"
                        non_repeating_flags=("${non_repeating_flags[@]}")
                        not_found=false
                        break
                    fi
                done
                if "${not_found}"; then
                    for index in "${!non_repeating_flags[@]}"; do
                        if [[ "${non_repeating_flags[${index}]}" = "${word}" ]]; then
                            unset "non_repeating_flags[${index}]"
                            non_repeating_flags=("${non_repeating_flags[@]}")
                            break
                        fi
                    done
                fi
                unset "unparsed_words[${word_index}]"
                continue
                ;;
            esac
        fi

        # ${word} is neither a flag, nor an option, nor an option value
        if [[ "${positional_number}" -lt "${positional_count}" || "${positional_count}" -lt 0 ]]; then
            # ${word} is a positional
            ((positional_number++))
            unset "unparsed_words[${word_index}]"
        else
            if [[ -z "${word}" ]]; then
                # Could be completing a flag, option, or subcommand
                positional_number=-1
            else
                # ${word} is a subcommand or invalid, so stop processing this (sub)command
                positional_number=-2
            fi
            break
        fi
    done

    unparsed_words=("${unparsed_words[@]}")

    if\
        ! "${was_flag_option_terminator_seen}"\
        && ! "${is_parsing_option_value}"\
        && [[ ("${cur}" = -* && "${positional_number}" -ge 0) || "${positional_number}" -eq -1 ]]
    then
        COMPREPLY+=($(compgen -W "${repeating_flags[*]} ${non_repeating_flags[*]} ${repeating_options[*]} ${non_repeating_options[*]}" -- "${cur}"))
    fi
}

__xmppctl_add_completions() {
    local completion
    while IFS='' read -r completion; do
        COMPREPLY+=("${completion}")
    done < <(IFS=$'\n' compgen "${@}" -- "${cur}")
}

__xmppctl_custom_complete() {
    if [[ -n "${cur}" || -z ${COMP_WORDS[${COMP_CWORD}]} || "${COMP_LINE:${COMP_POINT}:1}" != ' ' ]]; then
        local -ar words=("${COMP_WORDS[@]}")
    else
        local -ar words=("${COMP_WORDS[@]::${COMP_CWORD}}" '' "${COMP_WORDS[@]:${COMP_CWORD}}")
    fi

    "${COMP_WORDS[0]}" "${@}" "${words[@]}"
}

_xmppctl() {
    local state
    state="$(shopt -p;shopt -po)"
    trap "${state//$'\n'/;}" RETURN
    shopt -s extglob
    set +o history +o posix

    local -xr SAP_SHELL=bash
    local -x SAP_SHELL_VERSION
    SAP_SHELL_VERSION="$(IFS='.';printf %s "${BASH_VERSINFO[*]}")"
    local -r SAP_SHELL_VERSION

    local -r cur="${2}"
    local -r prev="${3}"

    local -i positional_number
    local -a unparsed_words=("${COMP_WORDS[@]:1:${COMP_CWORD}}")

    local -a repeating_flags=()
    local -a non_repeating_flags=(--version -h --help)
    local -a repeating_options=()
    local -a non_repeating_options=()
    __xmppctl_offer_flags_options 0

    # Offer subcommand / subcommand argument completions
    local -r subcommand="${unparsed_words[0]}"
    unset 'unparsed_words[0]'
    unparsed_words=("${unparsed_words[@]}")
    case "${subcommand}" in
    connect|features|bind|send|listen|help)
        # Offer subcommand argument completions
        "_xmppctl_${subcommand}"
        ;;
    *)
        # Offer subcommand completions
        COMPREPLY+=($(compgen -W 'connect features bind send listen help' -- "${cur}"))
        ;;
    esac
}

_xmppctl_connect() {
    repeating_flags=()
    non_repeating_flags=(--json -k --insecure -4 --ipv4 -6 --ipv6 --trace-secrets --verbose -v --help-all --version -h --help)
    repeating_options=(--connect-to --tls --cacert --cert --key --key-password-file --pin --tls-min --dns-server --proxy --connect-timeout --trace -m --max-time)
    non_repeating_options=()
    __xmppctl_offer_flags_options 1

    # Offer option value completions
    case "${prev}" in
    '--connect-to')
        return
        ;;
    '--tls')
        __xmppctl_add_completions -W 'auto'$'\n''direct'$'\n''starttls'$'\n''none'
        return
        ;;
    '--cacert')
        __xmppctl_add_completions -o plusdirs -fX '!*.@(pem|crt)'
        return
        ;;
    '--cert')
        __xmppctl_add_completions -f
        return
        ;;
    '--key')
        __xmppctl_add_completions -f
        return
        ;;
    '--key-password-file')
        __xmppctl_add_completions -f
        return
        ;;
    '--pin')
        return
        ;;
    '--tls-min')
        __xmppctl_add_completions -W '1.2'$'\n''1.3'
        return
        ;;
    '--dns-server')
        return
        ;;
    '--proxy')
        return
        ;;
    '--connect-timeout')
        return
        ;;
    '--trace')
        __xmppctl_add_completions -f
        return
        ;;
    '-m'|'--max-time')
        return
        ;;
    esac
}

_xmppctl_features() {
    repeating_flags=()
    non_repeating_flags=(--json --xml --compress --no-sasl2 -k --insecure -4 --ipv4 -6 --ipv6 --trace-secrets --verbose -v --help-all --version -h --help)
    repeating_options=(--jid -j --account -a --password-file --password-command --mechanism --resource --config --connect-to --tls --cacert --cert --key --key-password-file --pin --tls-min --dns-server --proxy --connect-timeout --trace -m --max-time)
    non_repeating_options=()
    __xmppctl_offer_flags_options 1

    # Offer option value completions
    case "${prev}" in
    '--jid'|'-j')
        return
        ;;
    '--account'|'-a')
        __xmppctl_add_completions -W "$(__xmppctl_custom_complete ---completion features -- --account "${COMP_CWORD}" "$(__xmppctl_cursor_index_in_current_word)")"
        return
        ;;
    '--password-file')
        __xmppctl_add_completions -f
        return
        ;;
    '--password-command')
        return
        ;;
    '--mechanism')
        __xmppctl_add_completions -W 'EXTERNAL'$'\n''SCRAM-SHA-512-PLUS'$'\n''SCRAM-SHA-256-PLUS'$'\n''SCRAM-SHA-1-PLUS'$'\n''SCRAM-SHA-512'$'\n''SCRAM-SHA-256'$'\n''SCRAM-SHA-1'$'\n''DIGEST-MD5'$'\n''PLAIN'$'\n''ANONYMOUS'
        return
        ;;
    '--resource')
        return
        ;;
    '--config')
        __xmppctl_add_completions -o plusdirs -fX '!*.@(json5|json)'
        return
        ;;
    '--connect-to')
        return
        ;;
    '--tls')
        __xmppctl_add_completions -W 'auto'$'\n''direct'$'\n''starttls'$'\n''none'
        return
        ;;
    '--cacert')
        __xmppctl_add_completions -o plusdirs -fX '!*.@(pem|crt)'
        return
        ;;
    '--cert')
        __xmppctl_add_completions -f
        return
        ;;
    '--key')
        __xmppctl_add_completions -f
        return
        ;;
    '--key-password-file')
        __xmppctl_add_completions -f
        return
        ;;
    '--pin')
        return
        ;;
    '--tls-min')
        __xmppctl_add_completions -W '1.2'$'\n''1.3'
        return
        ;;
    '--dns-server')
        return
        ;;
    '--proxy')
        return
        ;;
    '--connect-timeout')
        return
        ;;
    '--trace')
        __xmppctl_add_completions -f
        return
        ;;
    '-m'|'--max-time')
        return
        ;;
    esac
}

_xmppctl_bind() {
    repeating_flags=()
    non_repeating_flags=(--json --register --compress --no-sasl2 -k --insecure -4 --ipv4 -6 --ipv6 --trace-secrets --verbose -v --help-all --version -h --help)
    repeating_options=(--jid -j --account -a --password-file --password-command --mechanism --resource --config --connect-to --tls --cacert --cert --key --key-password-file --pin --tls-min --dns-server --proxy --connect-timeout --trace -m --max-time)
    non_repeating_options=()
    __xmppctl_offer_flags_options 1

    # Offer option value completions
    case "${prev}" in
    '--jid'|'-j')
        return
        ;;
    '--account'|'-a')
        __xmppctl_add_completions -W "$(__xmppctl_custom_complete ---completion bind -- --account "${COMP_CWORD}" "$(__xmppctl_cursor_index_in_current_word)")"
        return
        ;;
    '--password-file')
        __xmppctl_add_completions -f
        return
        ;;
    '--password-command')
        return
        ;;
    '--mechanism')
        __xmppctl_add_completions -W 'EXTERNAL'$'\n''SCRAM-SHA-512-PLUS'$'\n''SCRAM-SHA-256-PLUS'$'\n''SCRAM-SHA-1-PLUS'$'\n''SCRAM-SHA-512'$'\n''SCRAM-SHA-256'$'\n''SCRAM-SHA-1'$'\n''DIGEST-MD5'$'\n''PLAIN'$'\n''ANONYMOUS'
        return
        ;;
    '--resource')
        return
        ;;
    '--config')
        __xmppctl_add_completions -o plusdirs -fX '!*.@(json5|json)'
        return
        ;;
    '--connect-to')
        return
        ;;
    '--tls')
        __xmppctl_add_completions -W 'auto'$'\n''direct'$'\n''starttls'$'\n''none'
        return
        ;;
    '--cacert')
        __xmppctl_add_completions -o plusdirs -fX '!*.@(pem|crt)'
        return
        ;;
    '--cert')
        __xmppctl_add_completions -f
        return
        ;;
    '--key')
        __xmppctl_add_completions -f
        return
        ;;
    '--key-password-file')
        __xmppctl_add_completions -f
        return
        ;;
    '--pin')
        return
        ;;
    '--tls-min')
        __xmppctl_add_completions -W '1.2'$'\n''1.3'
        return
        ;;
    '--dns-server')
        return
        ;;
    '--proxy')
        return
        ;;
    '--connect-timeout')
        return
        ;;
    '--trace')
        __xmppctl_add_completions -f
        return
        ;;
    '-m'|'--max-time')
        return
        ;;
    esac
}

_xmppctl_send() {
    repeating_flags=()
    non_repeating_flags=(--room --lines --ndjson --xml --keep-going --replace-invalid --retry --json --compress --no-sasl2 -k --insecure -4 --ipv4 -6 --ipv6 --trace-secrets --verbose -v --help-all --version -h --help)
    repeating_options=(--message -m --subject --thread --id --lang --type --oob-url --nick --room-password-file --room-password-command --confirm --bounce-wait --max-time --jid -j --account -a --password-file --password-command --mechanism --resource --config --connect-to --tls --cacert --cert --key --key-password-file --pin --tls-min --dns-server --proxy --connect-timeout --trace)
    non_repeating_options=()
    __xmppctl_offer_flags_options -1

    # Offer option value completions
    case "${prev}" in
    '--message'|'-m')
        return
        ;;
    '--subject')
        return
        ;;
    '--thread')
        return
        ;;
    '--id')
        return
        ;;
    '--lang')
        return
        ;;
    '--type')
        __xmppctl_add_completions -W 'chat'$'\n''normal'$'\n''headline'$'\n''groupchat'
        return
        ;;
    '--oob-url')
        return
        ;;
    '--nick')
        return
        ;;
    '--room-password-file')
        __xmppctl_add_completions -f
        return
        ;;
    '--room-password-command')
        return
        ;;
    '--confirm')
        __xmppctl_add_completions -W 'server'$'\n''receipt'$'\n''none'
        return
        ;;
    '--bounce-wait')
        return
        ;;
    '--max-time')
        return
        ;;
    '--jid'|'-j')
        return
        ;;
    '--account'|'-a')
        __xmppctl_add_completions -W "$(__xmppctl_custom_complete ---completion send -- --account "${COMP_CWORD}" "$(__xmppctl_cursor_index_in_current_word)")"
        return
        ;;
    '--password-file')
        __xmppctl_add_completions -f
        return
        ;;
    '--password-command')
        return
        ;;
    '--mechanism')
        __xmppctl_add_completions -W 'EXTERNAL'$'\n''SCRAM-SHA-512-PLUS'$'\n''SCRAM-SHA-256-PLUS'$'\n''SCRAM-SHA-1-PLUS'$'\n''SCRAM-SHA-512'$'\n''SCRAM-SHA-256'$'\n''SCRAM-SHA-1'$'\n''DIGEST-MD5'$'\n''PLAIN'$'\n''ANONYMOUS'
        return
        ;;
    '--resource')
        return
        ;;
    '--config')
        __xmppctl_add_completions -o plusdirs -fX '!*.@(json5|json)'
        return
        ;;
    '--connect-to')
        return
        ;;
    '--tls')
        __xmppctl_add_completions -W 'auto'$'\n''direct'$'\n''starttls'$'\n''none'
        return
        ;;
    '--cacert')
        __xmppctl_add_completions -o plusdirs -fX '!*.@(pem|crt)'
        return
        ;;
    '--cert')
        __xmppctl_add_completions -f
        return
        ;;
    '--key')
        __xmppctl_add_completions -f
        return
        ;;
    '--key-password-file')
        __xmppctl_add_completions -f
        return
        ;;
    '--pin')
        return
        ;;
    '--tls-min')
        __xmppctl_add_completions -W '1.2'$'\n''1.3'
        return
        ;;
    '--dns-server')
        return
        ;;
    '--proxy')
        return
        ;;
    '--connect-timeout')
        return
        ;;
    '--trace')
        __xmppctl_add_completions -f
        return
        ;;
    esac
}

_xmppctl_listen() {
    repeating_flags=()
    non_repeating_flags=(--json --xml --carbons --no-presence --receipts --no-reconnect --duplex --compress --no-sasl2 -k --insecure -4 --ipv4 -6 --ipv6 --trace-secrets --verbose -v --help-all --version -h --help)
    repeating_options=(--type --from --namespace -n --count --idle -m --max-time --room --nick --room-password-file --room-password-command --history --priority --since --ping-interval --state --jid -j --account -a --password-file --password-command --mechanism --resource --config --connect-to --tls --cacert --cert --key --key-password-file --pin --tls-min --dns-server --proxy --connect-timeout --trace)
    non_repeating_options=()
    __xmppctl_offer_flags_options 0

    # Offer option value completions
    case "${prev}" in
    '--type')
        __xmppctl_add_completions -W 'message'$'\n''presence'$'\n''iq'$'\n''chat'$'\n''normal'$'\n''headline'$'\n''groupchat'$'\n''error'
        return
        ;;
    '--from')
        return
        ;;
    '--namespace')
        return
        ;;
    '-n'|'--count')
        return
        ;;
    '--idle')
        return
        ;;
    '-m'|'--max-time')
        return
        ;;
    '--room')
        return
        ;;
    '--nick')
        return
        ;;
    '--room-password-file')
        __xmppctl_add_completions -f
        return
        ;;
    '--room-password-command')
        return
        ;;
    '--history')
        return
        ;;
    '--priority')
        return
        ;;
    '--since')
        return
        ;;
    '--ping-interval')
        return
        ;;
    '--state')
        __xmppctl_add_completions -f
        return
        ;;
    '--jid'|'-j')
        return
        ;;
    '--account'|'-a')
        __xmppctl_add_completions -W "$(__xmppctl_custom_complete ---completion listen -- --account "${COMP_CWORD}" "$(__xmppctl_cursor_index_in_current_word)")"
        return
        ;;
    '--password-file')
        __xmppctl_add_completions -f
        return
        ;;
    '--password-command')
        return
        ;;
    '--mechanism')
        __xmppctl_add_completions -W 'EXTERNAL'$'\n''SCRAM-SHA-512-PLUS'$'\n''SCRAM-SHA-256-PLUS'$'\n''SCRAM-SHA-1-PLUS'$'\n''SCRAM-SHA-512'$'\n''SCRAM-SHA-256'$'\n''SCRAM-SHA-1'$'\n''DIGEST-MD5'$'\n''PLAIN'$'\n''ANONYMOUS'
        return
        ;;
    '--resource')
        return
        ;;
    '--config')
        __xmppctl_add_completions -o plusdirs -fX '!*.@(json5|json)'
        return
        ;;
    '--connect-to')
        return
        ;;
    '--tls')
        __xmppctl_add_completions -W 'auto'$'\n''direct'$'\n''starttls'$'\n''none'
        return
        ;;
    '--cacert')
        __xmppctl_add_completions -o plusdirs -fX '!*.@(pem|crt)'
        return
        ;;
    '--cert')
        __xmppctl_add_completions -f
        return
        ;;
    '--key')
        __xmppctl_add_completions -f
        return
        ;;
    '--key-password-file')
        __xmppctl_add_completions -f
        return
        ;;
    '--pin')
        return
        ;;
    '--tls-min')
        __xmppctl_add_completions -W '1.2'$'\n''1.3'
        return
        ;;
    '--dns-server')
        return
        ;;
    '--proxy')
        return
        ;;
    '--connect-timeout')
        return
        ;;
    '--trace')
        __xmppctl_add_completions -f
        return
        ;;
    esac
}

_xmppctl_help() {
    repeating_flags=()
    non_repeating_flags=(--version)
    repeating_options=()
    non_repeating_options=()
    __xmppctl_offer_flags_options -1
}

complete -o filenames -F _xmppctl xmppctl
