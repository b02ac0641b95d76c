"""The methods of each service's real client: what a stand-in is asked for beyond these, it does not stand for.

Read off redis 8, asyncpg 0.32, clickhouse-connect 1.12 and httpx 0.28; the WebSocket client is the runtime's own.
"""

from __future__ import annotations

from migrator.model import Service

SERVER_END = frozenset(
    """
    accept app application_state client client_state close cookies headers iter_bytes iter_json iter_text path_params
    query_params receive receive_bytes receive_json receive_text scope send send_bytes send_denial_response send_json
    send_text state url
    """.split()
)
"""What a server's end of a WebSocket has: Starlette 1.10's."""

MAKERS: dict[str, bool] = {
    f"{module}.{name}": module != "redis"
    for module in ("redis", "redis.asyncio", "redis.asyncio.client")
    for name in ("Redis", "StrictRedis", "Redis.from_url", "StrictRedis.from_url", "from_url")
} | {"clickhouse_connect.get_client": False}
"""What makes a client at once, as its library calls it, and whether that is an asynchronous one."""

PARAMETERS: dict[str, frozenset[str]] = {
    "set": frozenset("name value ex px nx xx keepttl get exat pxat ifeq ifne ifdeq ifdne".split()),
    "setex": frozenset({"name", "time", "value"}),
    "setnx": frozenset({"name", "value"}),
    "hset": frozenset({"name", "key", "value", "mapping", "items"}),
    "expire": frozenset({"name", "time", "nx", "xx", "gt", "lt"}),
    "incr": frozenset({"name", "amount"}),
    "decr": frozenset({"name", "amount"}),
}
"""What methods of a Redis client take, of those that hardly anything but such a client and what wraps one has."""

METHODS: dict[Service, frozenset[str]] = {
    "redis": frozenset(
        """
        acl_cat acl_deluser acl_dryrun acl_genpass acl_getuser acl_help acl_list acl_load acl_log acl_log_reset
        acl_save acl_setuser acl_users acl_whoami aclose append arcount ardel ardelrange arget argetrange argrep
        arinfo arinsert arlastitems arlen armget armset arnext arop arring arscan arseek arset auth bf
        bgrewriteaof bgsave bitcount bitfield bitfield_ro bitop bitpos blmove blmovem blmpop blpop brpop
        brpoplpush bzmpop bzpopmax bzpopmin cf client client_getname client_getredir client_id client_info
        client_kill client_kill_filter client_list client_no_evict client_no_touch client_pause client_reply
        client_setinfo client_setname client_tracking client_tracking_off client_tracking_on client_trackinginfo
        client_unblock client_unpause close cluster cms command command_count command_docs command_getkeys
        command_getkeysandflags command_info command_list config_get config_resetstat config_rewrite config_set
        copy dbsize debug_object debug_segfault decr decrby delete delex digest digest_local dump echo eval
        eval_ro evalsha evalsha_ro execute_command exists expire expireat expiretime failover fcall fcall_ro
        flushall flushdb from_pool from_url ft function_delete function_dump function_flush function_kill
        function_list function_load function_restore function_stats geoadd geodist geohash geopos georadius
        georadiusbymember geosearch geosearchstore get get_connection_kwargs get_encoder get_retry getbit getdel
        getex getrange getset hdel hello hexists hexpire hexpireat hexpiretime hget hgetall hgetdel hgetex
        himport_discard himport_discard_all himport_discard_all_internal himport_discard_internal himport_prepare
        himport_prepare_internal himport_set hincrby hincrbyfloat hkeys hlen hmget hmset hotkeys_get
        hotkeys_reset hotkeys_start hotkeys_stop hpersist hpexpire hpexpireat hpexpiretime hpttl hrandfield hscan
        hscan_iter hset hsetex hsetnx hstrlen httl hvals incr incrby incrbyfloat increx info initialize json keys
        keyspace_notifications lastsave latency_doctor latency_graph latency_histogram latency_history
        latency_latest latency_reset lcs lindex linsert llen lmove lmovem lmpop load_external_module lock lolwut
        lpop lpos lpush lpushx lrange lrem lset ltrim memory_doctor memory_help memory_malloc_stats memory_purge
        memory_stats memory_usage mget migrate module_list module_load module_loadex module_unload monitor move
        mset msetex msetnx object parse_response persist pexpire pexpireat pexpiretime pfadd pfcount pfmerge ping
        pipeline psetex psync pttl publish pubsub pubsub_channels pubsub_numpat pubsub_numsub
        pubsub_shardchannels pubsub_shardnumsub quit randomkey readonly readwrite register_script rename renamenx
        replicaof reset restore role rpop rpoplpush rpush rpushx sadd save scan scan_iter scard script_debug
        script_exists script_flush script_kill script_load sdiff sdiffcard sdiffstore select sentinel
        sentinel_ckquorum sentinel_failover sentinel_flushconfig sentinel_get_master_addr_by_name sentinel_master
        sentinel_masters sentinel_monitor sentinel_remove sentinel_reset sentinel_sentinels sentinel_set
        sentinel_slaves set set_response_callback set_retry setbit setex setnx setrange shutdown sinter
        sintercard sinterstore sismember slaveof slowlog_get slowlog_len slowlog_reset smembers smismember smove
        sort sort_ro spop spublish srandmember srem sscan sscan_iter stralgo strlen substr sunion sunioncard
        sunionstore swapdb sync tdigest time topk touch transaction ts ttl type unlink unwatch vset wait waitaof
        watch xack xackdel xadd xautoclaim xcfgset xclaim xdel xdelex xgroup_create xgroup_createconsumer
        xgroup_delconsumer xgroup_destroy xgroup_setid xinfo_consumers xinfo_groups xinfo_stream xlen xnack
        xpending xpending_range xrange xread xreadgroup xrevrange xtrim zadd zcard zcount zdiff zdiffstore
        zincrby zinter zintercard zinterstore zlexcount zmpop zmscore zpopmax zpopmin zrandmember zrange
        zrangebylex zrangebyscore zrangestore zrank zrem zremrangebylex zremrangebyrank zremrangebyscore
        zrevrange zrevrangebylex zrevrangebyscore zrevrank zscan zscan_iter zscore zunion zunionstore
        """.split()
    ),
    "postgres": frozenset(
        """
        acquire add_listener add_log_listener add_query_logger add_termination_listener close copy_from_query
        copy_from_table copy_records_to_table copy_to_table cursor execute executemany expire_connections fetch
        fetchmany fetchrow fetchval get_idle_size get_init_size get_max_size get_min_size get_reset_query
        get_server_pid get_server_version get_settings get_size is_closed is_closing is_in_transaction prepare
        query_logger release reload_schema_state remove_listener remove_log_listener remove_query_logger
        remove_termination_listener reset reset_type_codec set_builtin_type_codec set_connect_args set_type_codec
        terminate transaction
        """.split()
    ),
    "clickhouse": frozenset(
        """
        close close_connections command create_insert_context create_query_context data_insert execute
        get_client_setting insert insert_arrow insert_df insert_df_arrow min_version ping query query_arrow
        query_arrow_stream query_column_block_stream query_df query_df_arrow query_df_arrow_stream
        query_df_stream query_np query_np_stream query_row_block_stream query_rows_stream raw_insert raw_query
        raw_stream set_access_token set_client_setting
        """.split()
    ),
    "http": frozenset(
        """
        aclose build_request delete get head options patch post put request send stream
        """.split()
    ),
    "websocket": frozenset(
        """
        close connect ping receive receive_json recv send
        """.split()
    ),
}
