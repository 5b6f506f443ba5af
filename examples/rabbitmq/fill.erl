%% A durable queue with 100 000 persistent messages, by the client that every broker has.
{ok, Connection} = amqp_connection:start({amqp_params_direct, <<"guest">>, <<"guest">>, <<"/">>, node(), none, []}),
{ok, Channel} = amqp_connection:open_channel(Connection),
{'queue.declare_ok', _, _, _} = amqp_channel:call(Channel,
    {'queue.declare', 0, <<"orders">>, false, true, false, false, false, []}),
{'confirm.select_ok'} = amqp_channel:call(Channel, {'confirm.select', false}),
Persistent = {'P_basic', undefined, undefined, undefined, 2, undefined, undefined, undefined, undefined,
    undefined, undefined, undefined, undefined, undefined, undefined},
[amqp_channel:call(Channel, {'basic.publish', 0, <<"">>, <<"orders">>, false, false},
    {amqp_msg, Persistent, <<"an order of about one hundred bytes, as small as most that are sent: ", N:240>>})
    || N <- lists:seq(1, 100000)],
true = amqp_channel:wait_for_confirms(Channel, 120),
amqp_connection:close(Connection).
