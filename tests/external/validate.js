// Validates an OpenRPC document against the specification's own meta-schema: `node validate.js FILE`.
// Prints the errors as JSON, [] for a valid document.
import Ajv from "ajv";
import { readFileSync } from "node:fs";
import jsonSchema from "@json-schema-tools/meta-schema";
import openrpc from "@open-rpc/meta-schema";

const JSON_SCHEMA = "https://meta.json-schema.tools/";

// The two refer to each other with and without a slash at the end, and to a dialect that Ajv does not know by its name.
function plain(module) {
  const { $schema, ...schema } = module.default ?? module;
  return JSON.parse(JSON.stringify(schema).replaceAll(`"${JSON_SCHEMA.slice(0, -1)}"`, `"${JSON_SCHEMA}"`));
}

const ajv = new Ajv({ strict: false, allErrors: true, validateFormats: false });
ajv.addSchema({ ...plain(jsonSchema), $id: JSON_SCHEMA });
const check = ajv.compile(plain(openrpc));
check(JSON.parse(readFileSync(process.argv[2])));
console.log(JSON.stringify(check.errors ?? []));
