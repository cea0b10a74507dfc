-- A hint that names the closest of the known words, or lists them all.
-- Close means that at least half of the letter pairs are shared (Dice's coefficient).
-- Only the beginning of the word counts: substr takes quadratic time, and words come from outside.
create or replace function pawl.did_you_mean(p_word text, p_words text[])
returns text
language sql immutable
set search_path = pg_catalog, pg_temp
as $$
  select coalesce(
    (
      select format('Did you mean "%s"?', k.word)
      from unnest(p_words) as k (word)
      cross join lateral (
        select 2.0 * count(b.pair) / greatest(count(*) + length(k.word) - 1, 1) as likeness
        from (
          select distinct substr(lower(left(p_word, 100)), i, 2) as pair
          from generate_series(1, least(greatest(length(p_word) - 1, 1), 99)) as i
        ) as a
        left join (
          select distinct substr(lower(k.word), i, 2) as pair
          from generate_series(1, greatest(length(k.word) - 1, 1)) as i
        ) as b on b.pair = a.pair
      ) as l
      where l.likeness >= 0.5
      order by l.likeness desc, k.word
      limit 1
    ),
    case
      when cardinality(p_words) > 0 then format('Known: %s.', pawl.quoted_list(p_words))
      else 'There are none.'
    end
  )
$$;

comment on function pawl.did_you_mean is
  'A hint that names the closest of the known words, or lists them all';
