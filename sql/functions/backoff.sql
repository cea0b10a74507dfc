-- How long to wait after a failed attempt: doubling, capped, with full jitter.
create or replace function pawl.backoff(p_attempt int, p_first interval, p_most interval)
returns interval
language sql volatile
set search_path = pg_catalog, pg_temp
as $$
  select random() * least(p_most, p_first * (2 ^ least(p_attempt - 1, 30)))
$$;

comment on function pawl.backoff is
  'How long to wait after a failed attempt: doubling, capped, with full jitter';
