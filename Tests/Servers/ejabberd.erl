%% Starts ejabberd, then takes orders on standard input, one a line, until that is closed:
%% a user, a domain and a password, separated by tabs, make an account.
Order = fun(Line) ->
  case string:split(string:trim(Line, trailing, "\n"), "\t", all) of
    [User, Domain, Password] ->
      Binary = fun unicode:characters_to_binary/1,
      Answer = ejabberd_auth:try_register(Binary(User), Binary(Domain), Binary(Password)),
      io:format("registered ~ts@~ts: ~p~n", [User, Domain, Answer])
  end
end,
Listen = fun(Listen) ->
  case io:get_line("") of
    Line when is_list(Line); is_binary(Line) -> Order(Line), Listen(Listen);
    _ -> halt(0)
  end
end,
{ok, _} = application:ensure_all_started(ejabberd),
%% The archive in memory: its table on disc takes 64 messages a second, and all tests would wait behind each other's.
{atomic, ok} = mnesia:change_table_copy_type(archive_msg, node(), ram_copies),
io:setopts([{encoding, unicode}]),
io:format("ready~n"),
Listen(Listen).
