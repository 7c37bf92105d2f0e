import { type JsonNode, parseJsonText } from './json-text.js';

/**
 * MySQL keeps more in a JSON document than its text says: a DECIMAL is printed as a DOUBLE would be, a date and
 * bytes as strings. Where that is so, an image has the types of all its parts beside the text, and the document
 * is built again from its parts.
 *
 * The form is `root;members;items`, then a line break, then the text. Members of objects and items of arrays
 * stand in the order in which MySQL walks the paths $**.* and $**[*]: those of a container first, then those
 * inside of each.
 */

/** JSON types that the text form names exactly, integers with the exception below. */
const TEXTUAL = ['OBJECT', 'ARRAY', 'STRING', 'INTEGER', 'UNSIGNED INTEGER', 'DOUBLE', 'BOOLEAN', 'NULL'];
const TEXTUAL_LIST = TEXTUAL.map((type) => `'${type}'`).join(',');
/** Read from text, integers up to this one are signed and larger ones are not. */
const LAST_SIGNED = 4294967295;
const LITERAL_BYTES = /^"base64:type15:([A-Za-z0-9+/=\\n]*)"$/;

/** With introducers: after SET NAMES binary, literals are bytes, which MySQL takes for no JSON and for no path. */
const parts = (column: string, path: string): string =>
  `JSON_TABLE(${column},_utf8mb4'${path}' COLUMNS(place FOR ORDINALITY,v JSON PATH _utf8mb4'$')) AS globaltx_json`;

/** Whether a part would come back from its text with another type. */
function isStrange(part: string): string {
  const type = `JSON_TYPE(${part})`;
  const integer = `${type} IN ('INTEGER','UNSIGNED INTEGER') AND (${type}='INTEGER')=(${part}>${LAST_SIGNED})`;
  return `(${type} NOT IN (${TEXTUAL_LIST}) OR ${integer})`;
}

function anyStrange(column: string, path: string): string {
  return `EXISTS(SELECT 1 FROM ${parts(column, path)} WHERE ${isStrange('v')})`;
}

/**
 * JSON_TABLE makes SQL's NULL of JSON's. What aggregates speaks of a table within the subquery: where it speaks of the
 * query's own row, MySQL finds no zero dates by a condition that finds them in any other query, as in an UPDATE.
 */
function types(column: string, path: string): string {
  const list = `SELECT JSON_ARRAYAGG(CONCAT(place,_utf8mb4' ',COALESCE(JSON_TYPE(v),_utf8mb4'NULL'))) FROM ${parts('globaltx_document.d', path)}`;
  const document = `JSON_TABLE(${column},_utf8mb4'$' COLUMNS(d JSON PATH _utf8mb4'$')) AS globaltx_document`;
  return `COALESCE((SELECT (${list}) FROM ${document}),'[]')`;
}

/** Gives '1' where the text says all, else the types of the document's parts. */
export function jsonTypesExpression(column: string): string {
  const strange = [isStrange(column), anyStrange(column, '$**.*'), anyStrange(column, '$**[*]')].join(' OR ');
  const all = [`JSON_TYPE(${column})`, types(column, '$**.*'), types(column, '$**[*]')].join(",';',");
  return `IF(${strange},CONCAT(${all}),'1')`;
}

/** The types in their order; the server may aggregate them in any. */
function inOrder(list: string): string {
  const entries = (JSON.parse(list) as string[]).map((entry) => {
    const space = entry.indexOf(' ');
    return [Number(entry.slice(0, space)), entry.slice(space + 1)] as const;
  });
  return entries
    .sort(([a], [b]) => a - b)
    .map(([, type]) => type)
    .join(',');
}

/** @param said what `jsonTypesExpression` gave */
export function jsonValue(text: Buffer, said: string): string | Buffer {
  if (said === '1') return text.toString('utf8');
  const [root = '', members = '[]', items = '[]'] = said.split(';');
  return Buffer.concat([Buffer.from(`${root};${inOrder(members)};${inOrder(items)}\n`, 'utf8'), text]);
}

/** Takes the types from the ends of the lists, which are turned round. */
function assign(node: JsonNode, members: string[], items: string[]): void {
  const children =
    node.kind === 'object' ? node.members.map(([, value]) => value) : node.kind === 'array' ? node.items : [];
  for (const child of children) child.type = (node.kind === 'object' ? members : items).pop() ?? '';
  for (const child of children) assign(child, members, items);
}

/** The document with the type of each part. */
function typedDocument(value: Buffer): JsonNode {
  const end = value.indexOf('\n');
  const [root = '', members = '', items = ''] = value.toString('utf8', 0, end).split(';');
  const node = parseJsonText(value.toString('utf8', end + 1));
  const list = (text: string) => (text === '' ? [] : text.split(',').reverse());
  node.type = root;
  assign(node, list(members), list(items));
  return node;
}

function hex(text: string): string {
  return `_utf8mb4 X'${Buffer.from(text, 'utf8').toString('hex')}'`;
}

/** An expression whose value has the part's type, or the name of a type that no expression has. */
function partExpression(node: JsonNode): { readonly sql: string } | { readonly type: string } {
  const { type, text } = node;
  const quoted = /^"([0-9: .-]+)"$/.exec(text)?.[1];
  switch (type) {
    case 'INTEGER':
      return /^-?\d+$/.test(text) ? { sql: `CAST(${text} AS SIGNED)` } : { type };
    case 'UNSIGNED INTEGER':
      return /^\d+$/.test(text) ? { sql: `CAST(${text} AS UNSIGNED)` } : { type };
    case 'DECIMAL': {
      const digits = /^-?(\d+)(?:\.(\d+))?$/.exec(text);
      if (digits === null) return { type };
      const [, whole = '', fraction = ''] = digits;
      const precision = whole.replace(/^0+/, '').length + fraction.length || 1;
      return { sql: `CAST(${text} AS DECIMAL(${precision},${fraction.length}))` };
    }
    case 'DATE':
      return quoted === undefined ? { type } : { sql: `CAST('${quoted}' AS DATE)` };
    case 'TIME':
    case 'DATETIME':
      return quoted === undefined ? { type } : { sql: `CAST('${quoted}' AS ${type}(6))` };
    case 'BLOB': {
      // Other numbers than that of VARBINARY come from columns of other types, which no literal has.
      const bytes = LITERAL_BYTES.exec(text)?.[1];
      return bytes === undefined
        ? { type: 'bytes of a BLOB or BIT column' }
        : { sql: `FROM_BASE64('${bytes.replaceAll('\\n', '')}')` };
    }
    case 'OBJECT':
    case 'ARRAY': {
      const list: string[] = [];
      const children =
        node.kind === 'object'
          ? node.members
          : node.kind === 'array'
            ? node.items.map((item) => ['', item] as const)
            : [];
      for (const [key, child] of children) {
        const part = partExpression(child);
        if ('type' in part) return part;
        list.push(node.kind === 'object' ? `${hex(key)},${part.sql}` : part.sql);
      }
      return { sql: `JSON_${type}(${list.join(',')})` };
    }
    default:
      return TEXTUAL.includes(type) ? { sql: `CAST(${hex(text)} AS JSON)` } : { type };
  }
}

/** An expression that builds the document again, or the type of a part of it that cannot be built. */
export function typedJsonExpression(value: Buffer): { readonly sql: string } | { readonly type: string } {
  const part = partExpression(typedDocument(value));
  // Through an array: CAST would not take bytes, and an array takes every value as it is.
  return 'sql' in part ? { sql: `JSON_EXTRACT(JSON_ARRAY(${part.sql}),'$[0]')` } : part;
}
