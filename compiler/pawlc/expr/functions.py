"""The functions of Postgres that an expression may not call, and why.

This is the early and friendly half: what the name alone tells. The exact half asks the server's
catalog for every function that an expression really resolves to (`pawl.deploy.probe`).
"""

from pawlc.diagnostics import Diagnostic
from pawlc.source import Span


def _names(words: str) -> frozenset[str]:
    return frozenset(words.split())


# Volatile, yet harmless: a fresh identifier changes nothing and repeats nothing.
VOLATILE_ALLOWED = frozenset({"gen_random_uuid", "uuidv4", "uuidv7"})

NOW = "write `now`: one timestamp for the whole macrostep, which tests can move"
CLAIMS = "write `claims`: the caller's JWT; the function itself runs as the machine's owner"
CONTEXT = "a value that must not change belongs into the context or the event"
EFFECT = "what changes the world is an effect: `effect:` or `invoke:`"
QUERY = "write the query itself, in parentheses"
ONE_ROW = "write a subquery: `(select … from …)`"

# Asked first, of every schema: extensions live anywhere.
_DYNAMIC = _names(
    """
    query_to_xml query_to_xmlschema query_to_xml_and_xmlschema cursor_to_xml cursor_to_xmlschema
    table_to_xml table_to_xmlschema table_to_xml_and_xmlschema schema_to_xml schema_to_xmlschema
    schema_to_xml_and_xmlschema database_to_xml database_to_xmlschema
    database_to_xml_and_xmlschema ts_stat ts_rewrite xpath_table connectby crosstab crosstab2
    crosstab3 crosstab4 crosstab_hash
    """
)
_CLOCKS = _names("now transaction_timestamp statement_timestamp")
_VOLATILE_CLOCKS = _names("clock_timestamp timeofday")
_RANDOM = _names("random random_normal setseed")
_IDENTITY = _names(
    """
    current_setting getpgusername current_user session_user current_role system_user
    current_schema current_schemas pg_has_role row_security_active pg_backend_pid
    inet_client_addr inet_client_port inet_server_addr inet_server_port pg_my_temp_schema
    """
)
_EFFECTS = _names(
    """
    set_config nextval setval currval lastval pg_notify pg_cancel_backend pg_terminate_backend
    pg_reload_conf pg_rotate_logfile pg_promote pg_export_snapshot pg_current_xact_id
    pg_current_xact_id_if_assigned txid_current txid_current_if_assigned pg_trigger_depth
    pg_switch_wal pg_nextoid brin_summarize_new_values gin_clean_pending_list
    """
)
_EFFECT_PREFIXES = (
    "pg_sleep",
    "pg_advisory_",
    "pg_try_advisory_",
    "pg_read_",
    "pg_ls_",
    "pg_file_",
    "pg_stat_",
    "pg_logical_",
    "pg_replication_",
    "pg_create_",
    "pg_drop_",
    "pg_copy_",
    "pg_backup_",
    "pg_wal_",
    "pg_import_",
    "pg_log_",
    "binary_upgrade_",
    "lo_",
    "loread",
    "lowrite",
)
AGGREGATES = _names(
    """
    any_value array_agg avg bit_and bit_or bit_xor bool_and bool_or count every json_agg
    json_agg_strict json_object_agg jsonb_agg jsonb_agg_strict jsonb_object_agg max min
    range_agg  range_intersect_agg string_agg sum xmlagg corr covar_pop covar_samp regr_avgx
    regr_avgy  regr_count regr_intercept regr_r2 regr_slope regr_sxx regr_sxy regr_syy stddev
    stddev_pop  stddev_samp variance var_pop var_samp mode percentile_cont percentile_disc
    """
)
WINDOWS = _names(
    """
    row_number rank dense_rank percent_rank cume_dist ntile lag lead first_value last_value
    nth_value
    """
)
SETS = _names(
    """
    generate_series generate_subscripts unnest regexp_matches regexp_split_to_table
    string_to_table json_array_elements json_array_elements_text json_each json_each_text
    json_object_keys json_populate_recordset json_to_recordset jsonb_array_elements
    jsonb_array_elements_text jsonb_each jsonb_each_text jsonb_object_keys jsonb_path_query
    jsonb_path_query_tz jsonb_populate_recordset jsonb_to_recordset ts_debug ts_parse
    ts_token_type aclexplode
    """
)


def forbidden_schema(schema: str | None) -> str | None:
    """Why nothing of a schema may be named, or None.

    >>> forbidden_schema("pawl_order")
    'belongs to Pawl'
    >>> forbidden_schema("app") is None
    True
    """
    if schema is None:
        return None
    if schema == "pg_temp" or schema.startswith(("pg_temp_", "pg_toast")):
        return "belongs to the session, so that any caller could put something else there"
    if schema == "pawl" or schema.startswith("pawl_"):
        return "belongs to Pawl"
    return None


def forbidden_function(schema: str | None, name: str, span: Span) -> Diagnostic | None:
    """The complaint about a call, or None.

    >>> from pawlc.source import Position
    >>> at = Span("m.yaml", Position(1, 1), Position(1, 4))
    >>> forbidden_function(None, "clock_timestamp", at).code
    'PW306'
    >>> forbidden_function("app", "now", at) is None
    True
    """
    if reason := forbidden_schema(schema):
        message = f"`{schema}.{name}` {reason}"
        return Diagnostic("PW307", message, span, hint=NOW if name == "now" else None)
    if name in _DYNAMIC or name.startswith("dblink"):
        message = f"`{name}` runs SQL that nobody has checked"
        return Diagnostic("PW307", message, span, hint=QUERY)
    if schema not in (None, "pg_catalog"):
        return None
    if name in _VOLATILE_CLOCKS or name in _RANDOM:
        hint = NOW if name in _VOLATILE_CLOCKS else CONTEXT
        return Diagnostic("PW306", f"`{name}` is volatile", span, hint=hint)
    if name in _CLOCKS:
        return Diagnostic("PW307", f"`{name}()` is the transaction's clock", span, hint=NOW)
    if name in _IDENTITY or (name.startswith("has_") and name.endswith("_privilege")):
        return Diagnostic("PW307", f"`{name}` tells of the session", span, hint=CLAIMS)
    if name in _EFFECTS or name.startswith(_EFFECT_PREFIXES):
        return Diagnostic("PW307", f"`{name}` reaches out of the expression", span, hint=EFFECT)
    return None


def many_rows(name: str, span: Span) -> Diagnostic | None:
    """The complaint about a call outside any query that wants rows or gives rows."""
    if name in AGGREGATES:
        return Diagnostic("PW307", f"the aggregate `{name}` has no rows here", span, hint=ONE_ROW)
    if name in WINDOWS:
        message = f"the window function `{name}` has no rows here"
        return Diagnostic("PW307", message, span, hint=ONE_ROW)
    if name in SETS:
        return Diagnostic("PW307", f"`{name}` gives several rows, not a value", span, hint=ONE_ROW)
    return None
