"""The shapes of bodies, as OpenAPI 3.1 (JSON Schema) has them. Pure data."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

Schema = dict[str, Any]

STRING: Schema = {"type": "string"}
NUMBER: Schema = {"type": "number"}
WHOLE: Schema = {"type": "integer", "minimum": 0}
FLAG: Schema = {"type": "boolean"}
FILE: Schema = {"type": "string", "contentMediaType": "application/octet-stream"}


def a(name: str) -> Schema:
    """A schema by name."""
    return {"$ref": f"#/components/schemas/{name}"}


def a_list(of: Schema, **bounds: int) -> Schema:
    """A list of one thing."""
    return {"type": "array", "items": of, **bounds}


def an_object(required: Mapping[str, Schema], **optional: Schema) -> Schema:
    """An object with some keys; it may have more."""
    return {"type": "object", "properties": {**required, **optional}, "required": list(required)}


def or_null(schema: Schema) -> Schema:
    """It, or null."""
    return {"anyOf": [schema, {"type": "null"}]}


def _names_to(schema: Schema) -> Schema:
    return {"type": "object", "additionalProperties": schema}


_TENSOR = {"name": STRING, "datatype": STRING, "shape": a_list({"type": "integer"})}
_ALIASES = _names_to(WHOLE)
_LABEL = {"type": "string", "minLength": 1, "maxLength": 200}
_ID = {"type": "string", "minLength": 1, "maxLength": 200}
_VALUES = a_list({})
_ROW: Schema = {"type": "object"}

SCHEMAS: Mapping[str, Schema] = {
    "Error": an_object({"error": STRING}),
    "Input": {
        "anyOf": [
            STRING,
            a_list(STRING),
            an_object({"base64": {"type": "string", "contentEncoding": "base64"}}),
            _names_to(STRING),
        ],
        "description": "A text; the texts that belong together; a file's bytes; or an object by column.",
    },
    "Inputs": an_object({"inputs": a_list(a("Input"), minItems=1)}),
    "Files": an_object({"file": a_list(FILE)}),
    "Prediction": an_object(
        {
            "id": STRING,
            "label": or_null(STRING),
            "score": or_null(NUMBER),
            "scores": _names_to(NUMBER),
            "labels": a_list(STRING),
        }
    ),
    "Predictions": an_object(
        {"predictions": a_list(a("Prediction")), "model": STRING, "version": WHOLE, "milliseconds": NUMBER}
    ),
    "Rows": an_object({"predictions": a_list(a("Prediction"))}),
    "Invocation": {
        "oneOf": [
            an_object({"dataframe_split": an_object({"columns": a_list(STRING), "data": a_list(_VALUES)})}),
            an_object({"dataframe_records": a_list(_ROW)}),
            an_object({"instances": a_list(a("Input"))}),
            an_object({"inputs": {"anyOf": [a_list(a("Input")), _names_to(_VALUES)]}}),
        ]
    },
    "Feedback": {
        "oneOf": [
            an_object({"id": _ID, "label": _LABEL}, new=FLAG),
            an_object({"id": _ID, "labels": a_list(_LABEL, maxItems=200)}, new=FLAG),
        ]
    },
    "FeedbackKept": an_object({"id": STRING, "labels": a_list(STRING)}),
    "Model": an_object(
        {
            "name": STRING,
            "version": WHOLE,
            "task": STRING,
            "family": STRING,
            "labels": a_list(STRING),
            "several": FLAG,
            "columns": a_list(STRING),
            "engine": STRING,
            "licence": or_null(STRING),
            "test": or_null(
                _names_to(
                    an_object({"value": or_null(NUMBER), "low": or_null(NUMBER), "high": or_null(NUMBER)})
                )
            ),
            "card": STRING,
            "consent": FLAG,
            "aliases": _ALIASES,
            "limits": an_object({"body": WHOLE, "json": WHOLE, "inputs": WHOLE, "characters": WHOLE}),
        }
    ),
    "Version": an_object(
        {"version": WHOLE, "path": STRING, "aliases": a_list(STRING), "added": NUMBER, "note": STRING}
    ),
    "Versions": a_list(a("Version")),
    "Changed": an_object({"version": or_null(WHOLE), "aliases": _ALIASES, "pending": FLAG}),
    "Alive": an_object({"alive": FLAG}),
    "Ready": an_object({"ready": FLAG}),
    "Live": an_object({"live": FLAG}),
    "Anything": {"type": "object"},
    "Server": an_object({"name": STRING, "version": STRING, "extensions": a_list(STRING)}),
    "ModelReady": an_object({"name": STRING, "ready": FLAG}),
    "Metadata": an_object(
        {
            "name": STRING,
            "versions": a_list(STRING),
            "platform": STRING,
            "inputs": a_list(an_object(_TENSOR)),
            "outputs": a_list(an_object(_TENSOR)),
        }
    ),
    "InferRequest": an_object(
        {
            "inputs": a_list(
                an_object(
                    {
                        "name": STRING,
                        "datatype": {"enum": ["BYTES", "UINT8"]},
                        "shape": a_list(WHOLE, minItems=1, maxItems=8),
                    },
                    data=a_list({}),
                    parameters={"type": "object"},
                ),
                minItems=1,
                maxItems=64,
            )
        },
        id=STRING,
        parameters={"type": "object"},
        outputs=a_list(an_object({"name": STRING}, parameters={"type": "object"}), maxItems=64),
    ),
    "InferResponse": an_object(
        {
            "model_name": STRING,
            "model_version": STRING,
            "outputs": a_list(an_object(_TENSOR, data=a_list({}), parameters={"type": "object"})),
        },
        id=STRING,
    ),
}
