-- The machine of an SCXML document that is the value of an expression: one of those that the
-- definition contains, known by the MD5 of their texts.
-- Raises PT502 for any other.
create or replace function pawl.scxml_document(p_text text, p_documents jsonb)
returns text
language plpgsql immutable
set search_path = pg_catalog, pg_temp
as $$
begin
  if not p_documents ? coalesce(md5(p_text), '') then
    raise exception using errcode = 'PT502', message = 'this document is none of those that the definition contains';
  end if;
  return p_documents ->> md5(p_text);
end
$$;

comment on function pawl.scxml_document is
  'The machine of an SCXML document that is the value of an expression';
