-- Who may call what. Nothing to PUBLIC; run last, so that it speaks for every function there is.
revoke all on schema pawl from public;
revoke all on all tables in schema pawl from public;
revoke all on all sequences in schema pawl from public;
revoke all on all functions in schema pawl from public;
revoke all on type
  pawl.attempt,
  pawl.effect_command,
  pawl.message_command,
  pawl.migrated,
  pawl.open_effect,
  pawl.timer_command
from public;

-- Functions that deploys make later start without PUBLIC too, and operators read the journal's
-- later partitions.
alter default privileges revoke execute on functions from public;
alter default privileges in schema pawl grant select on tables to pawl_admin;

grant usage on schema pawl to pawl_worker;
grant usage on schema :"api_schema" to pawl_worker, pawl_client;

-- Client roles, and trusted callers.
revoke all on function
  :"api_schema".create_instance,
  :"api_schema".ensure_instance,
  :"api_schema".send_event,
  :"api_schema".send_events,
  :"api_schema".get_instance,
  :"api_schema".enabled_events,
  :"api_schema".simulate_event,
  :"api_schema".history
from public;
grant execute on function
  :"api_schema".create_instance,
  :"api_schema".ensure_instance,
  :"api_schema".send_event,
  :"api_schema".send_events,
  :"api_schema".get_instance,
  :"api_schema".enabled_events,
  :"api_schema".simulate_event,
  :"api_schema".history
to pawl_client, pawl_worker;

-- What those that read with the caller's rights call in his name. He has no right to enter this
-- schema, so he can name none of them.
grant execute on function
  pawl.absent,
  pawl.enabled_for,
  pawl.history_of,
  pawl.in_region,
  pawl.in_state,
  pawl.read_iid,
  pawl.read_reply,
  pawl.reading_claims,
  pawl.reading_now,
  pawl.simulate_for
to pawl_client, pawl_worker;

-- Operators.
revoke all on function
  :"api_schema".pause_instance,
  :"api_schema".resume_instance,
  :"api_schema".stop_instance,
  :"api_schema".force_state,
  :"api_schema".import_instance,
  :"api_schema".erase_instance
from public;
grant execute on function
  :"api_schema".pause_instance,
  :"api_schema".resume_instance,
  :"api_schema".stop_instance,
  :"api_schema".force_state,
  :"api_schema".import_instance,
  :"api_schema".erase_instance
to pawl_admin;
grant execute on function
  pawl.cancel_effect,
  pawl.complete_by_hand,
  pawl.retry_message,
  pawl.retry_effect,
  pawl.retry_dead,
  pawl.lock_running,
  pawl.migrate_instances,
  pawl.preview_migration,
  pawl.end_rescue,
  pawl.adopt_instance
to pawl_admin;
grant usage on type pawl.migrated to pawl_admin;
grant select on all tables in schema pawl to pawl_admin;

-- Workers. What pawl_worker may do, pawl_admin may do too.
grant execute on function
  pawl.now,
  pawl.claim_effects,
  pawl.extend_effects,
  pawl.unwanted_effects,
  pawl.release_effects,
  pawl.publish_snapshot,
  pawl.complete_effect,
  pawl.complete_effects,
  pawl.fail_effect,
  pawl.apply_results,
  pawl.fire_due_timers,
  pawl.next_wake,
  pawl.stay_awake,
  pawl.rest,
  pawl.nobody_is_sending,
  pawl.ring,
  pawl.worker_seen,
  pawl.worker_gone,
  pawl.deliver_messages,
  pawl.sweep,
  pawl.retention,
  pawl.make_journal_partitions
to pawl_worker;
grant select on
  pawl.setting,
  pawl.clock,
  pawl.machine,
  pawl.version,
  pawl.effect_policy,
  pawl.lease,
  pawl.timer,
  pawl.message
to pawl_worker;
