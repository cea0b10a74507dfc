"""The vocabulary of the W3C's test cases (`conf:`) in Pawl's datamodel `sql`.

`ATTRIBUTES` and `ELEMENTS` are the whole translation, published with the results: a document is
changed in nothing else, and its structure not at all. In a template `{0}` is the attribute's value;
`{a}` and `{b}` are its parts before and behind a `=` or what else compares (`{op}`), or its two
words; `{vars}` are the variables that it numbers. `{compared}` is equality as JSON, or the order of
numbers.
"""

import re
from collections.abc import Mapping

_SUM = "Var{id1}::numeric + Var{id2}::numeric"
_CONCAT = "(to_jsonb(Var{id1}) #&gt;&gt; '{}') || (to_jsonb(Var{id2}) #&gt;&gt; '{}')"

ATTRIBUTES: Mapping[str, str] = {
    # where things are
    "datamodel": 'datamodel="sql"',
    "targetpass": 'target="pass"',
    "targetfail": 'target="fail"',
    "id": 'id="Var{0}"',
    "name": 'name="Var{0}"',
    "location": 'location="Var{0}"',
    "idlocation": 'idlocation="Var{0}"',
    "item": 'item="Var{0}"',
    "index": 'index="Var{0}"',
    "arrayVar": 'array="Var{0}"',
    "arrayTextVar": 'array="Var{0}"',
    "namelist": 'namelist="Var{0}"',
    "multipleNamelist": 'namelist="{vars}"',
    "systemVarLocation": 'location="{0}"',
    # values
    "expr": 'expr="{0}"',
    "quoteExpr": "expr=\"'{0}'\"",
    "varExpr": 'expr="Var{0}"',
    "varChildExpr": 'expr="Var{0}"',
    "arrayExpr123": "expr=\"'[1, 2, 3]'::jsonb\"",
    "eventName": 'expr="_event.name"',
    "eventType": 'expr="_event.type"',
    "eventSendid": 'expr="_event.sendid"',
    "eventField": 'expr="_event.{0}"',
    "eventRaw": 'expr="_event"',
    "eventDataFieldValue": 'expr="_event.data.{0}"',
    "eventDataNamelistValue": 'expr="_event.data.Var{0}"',
    "eventDataParamValue": 'expr="_event.data.{0}"',
    "getNamedParamVal": 'expr="_event.data.{0}"',
    "systemVarExpr": 'expr="{0}"',
    "scxmlEventIOLocation": "expr=\"_ioprocessors -&gt; 'scxml' -&gt;&gt; 'location'\"",
    "typeExpr": 'typeexpr="Var{0}"',
    "srcExpr": 'srcexpr="Var{0}"',
    "eventExpr": 'eventexpr="Var{0}"',
    "targetVar": 'targetexpr="Var{0}"',
    "targetExpr": 'targetexpr="Var{0}"',
    "sendIDExpr": 'sendidexpr="Var{0}"',
    "delay": 'delay="{0}s"',
    "delayFromVar": 'delayexpr="Var{0}"',
    # conditions
    "true": 'cond="true"',
    "false": 'cond="false"',
    "idVal": 'cond="{compared}"',
    "namelistIdVal": 'cond="{compared}"',
    "idQuoteVal": "cond=\"to_jsonb(Var{a}) = to_jsonb('{b}'::text)\"",
    "idSomeVal": 'cond="to_jsonb(Var{0}) = to_jsonb(123)"',
    "idSystemVarVal": 'cond="to_jsonb(Var{a}) = to_jsonb({b})"',
    "compareIDVal": 'cond="Var{a}::numeric {op} Var{b}::numeric"',
    "varIdVal": 'cond="to_jsonb(Var{a}) = to_jsonb(Var{b})"',
    "VarEqVar": 'cond="to_jsonb(Var{a}) = to_jsonb(Var{b})"',
    "VarEqVarStruct": 'cond="to_jsonb(Var{a}) = to_jsonb(Var{b})"',
    "varPrefix": "cond=\"starts_with(Var{b} #&gt;&gt; '{}', Var{a} #&gt;&gt; '{}')\"",
    "noValue": 'cond="Var{0} is null"',
    "unequalVars": 'cond="to_jsonb(Var{a}) &lt;&gt; to_jsonb(Var{b})"',
    "isBound": 'cond="Var{0} is not null"',
    "unboundVar": 'cond="Var{0} is null"',
    "systemVarIsBound": 'cond="{0} is not null"',
    "inState": "cond=\"In('{0}')\"",
    "nameVarVal": "cond=\"_name = '{0}'\"",
    "eventNameVal": "cond=\"_event.name = '{0}'\"",
    "originTypeEq": "cond=\"_event.origintype = '{0}'\"",
    "eventvarVal": 'cond="_event.data.Var{a} = to_jsonb({b})"',
    "eventdataVal": 'cond="_event.data = to_jsonb({0})"',
    "eventdataSomeVal": 'cond="_event.data = to_jsonb(123)"',
    "eventDataHasField": 'cond="_event.data ? {0}"',
    "eventIsExternal": "cond=\"_event.type = 'external'\"",
    "emptyEventData": 'cond="_event.data is null"',
    "eventFieldHasNoValue": 'cond="_event.{0} is null"',
    "eventIdParamHasValue": 'cond="_event.data.Var{a} = to_jsonb({b})"',
    "eventNamedParamHasValue": 'cond="_event.data.{a} = to_jsonb({b})"',
    "eventFieldsAreBound": (
        "cond=\"_event ?&amp; array['name', 'type', 'sendid', 'origin', 'origintype', "
        "'invokeid', 'data']\""
    ),
    # what is illegal
    "illegalExpr": 'expr="1 +"',
    "illegalArray": 'expr="7"',
    "illegalItem": "item=\"'continue'\"",
    "illegalTarget": 'target="!invalid"',
    "unreachableTarget": 'target="#_scxml_foo"',
    "invalidLocation": 'location="no.such.place"',
    "invalidNamelist": 'namelist="&quot;no such place"',
    "invalidSessionID": 'expr="27"',
    "invalidSendType": 'type="27"',
    "invalidSendTypeExpr": 'typeexpr="27"',
    "nonBoolean": "cond=\"'neither true nor false'\"",
    "scriptGoodSrc": 'src="file:test300.txt"',
    "scriptBadSrc": 'src="http://invalid.example/script"',
    "varNonexistentStruct": 'expr="testvar.noSuchProperty"',
}

ELEMENTS: Mapping[str, str] = {
    "pass": ('<final id="pass"><onentry><log label="Outcome" expr="\'pass\'"/></onentry></final>'),
    "fail": ('<final id="fail"><onentry><log label="Outcome" expr="\'fail\'"/></onentry></final>'),
    "incrementID": '<assign location="Var{id}" expr="Var{id}::numeric + 1"/>',
    "sumVars": f'<assign location="Var{{id1}}" expr="{_SUM}"/>',
    "concatVars": f'<assign location="Var{{id1}}" expr="{_CONCAT}"/>',
    "extendArray": '<assign location="Var{id}" expr="Var{id} || \'[4]\'::jsonb"/>',
    "array123": "[1, 2, 3]",
    "someInlineVal": "123",
    "contentFoo": "<content expr=\"'foo'\"/>",
    "illegalContent": "<content>xyz</content>",
    "script": "<script>Var1 := 1</script>",
    "sendToSender": (
        '<send event="{name}" targetexpr="_event.origin" typeexpr="_event.origintype"/>'
    ),
}

_SAME = "to_jsonb(Var{a}) = to_jsonb({b})"
_ORDERED = "Var{a}::numeric {op} {b}"
_COMPARED = re.compile(r"(.*?)((?:=|&lt;|&gt;)=?|\s|$)(.*)", re.DOTALL)
_ATTRIBUTE = re.compile(r'\bconf:(\w+)\s*=\s*"([^"]*)"')
_ELEMENT = re.compile(r"<conf:(\w+)((?:[^>\"]|\"[^\"]*\")*?)(?:/>|>\s*</conf:\w+>)")
_GIVEN = re.compile(r'(\w+)\s*=\s*"([^"]*)"')
_DATAMODEL = re.compile(r'\bdatamodel\s*=\s*"(\w+)"')


class Untranslated(Exception):
    """A document that the tables cannot translate."""


def translated(text: str) -> str:
    """A document in the datamodel `sql`.

    >>> translated('<transition conf:idVal="1=0" conf:targetpass=""/>')
    '<transition cond="to_jsonb(Var1) = to_jsonb(0)" target="pass"/>'
    """
    text = _ELEMENT.sub(lambda match: _element(match[1], match[2]), text)
    return _ATTRIBUTE.sub(lambda match: _attribute(match[1], match[2]), text)


def _attribute(name: str, value: str) -> str:
    if name not in ATTRIBUTES:
        raise Untranslated(f"the table has no attribute conf:{name}")
    first, operator, second = _COMPARED.fullmatch(value).groups()  # type: ignore[union-attr]
    quoted = f"{value}::text" if value.startswith("'") else value
    template = ATTRIBUTES[name]
    compared = _SAME if operator in ("=", "==") else _ORDERED
    marks = {
        "{compared}": compared,
        "{0}": quoted if name == "eventdataVal" else value,
        "{a}": first.strip(),
        "{b}": second.strip(),
        "{op}": operator.strip(),
        "{vars}": " ".join(f"Var{number}" for number in value.split()),
    }
    for mark, part in marks.items():
        template = template.replace(mark, part)
    return template


def _element(name: str, given: str) -> str:
    if name not in ELEMENTS:
        raise Untranslated(f"the table has no element conf:{name}")
    template = ELEMENTS[name]
    for attribute, value in _GIVEN.findall(given):
        template = template.replace("{" + attribute + "}", value)
    return template


def language(text: str) -> str | None:
    """The datamodel that a document names itself, if it is one that Pawl does not have.

    >>> language('<scxml datamodel="xpath">'), language('<scxml datamodel="null">')
    ('xpath', None)
    """
    match = _DATAMODEL.search(text)
    return match[1] if match and match[1] not in ("null", "sql") else None
