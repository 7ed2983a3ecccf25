/** Says in words what the schema found wrong: what was found, and what is allowed. */

import * as z from "zod";

const KINDS: Record<string, string> = {
  object: "a mapping",
  record: "a mapping",
  array: "a list",
  tuple: "a list",
  string: "a text",
  number: "a number",
  int: "a whole number",
  boolean: "true or false",
};

/** An error map for zod. Schemas with words of their own keep them. */
export function describeIssue(issue: z.core.$ZodRawIssue): string | undefined {
  switch (issue.code) {
    case "invalid_type": {
      const allowed = `${KINDS[issue.expected] ?? issue.expected}${describeKeys(issue.inst)}`;
      return issue.input === undefined
        ? `is missing; allowed is ${allowed}`
        : `found ${show(issue.input)}; allowed is ${allowed}`;
    }
    case "unrecognized_keys":
      return `allowed are ${keysOf(issue.inst).join(", ")}`;
    case "invalid_value":
      return `found ${show(issue.input)}; allowed is ${issue.values.map(String).join(" or ")}`;
    case "invalid_union":
      return describeUnion(issue);
    case "invalid_key":
      return issue.issues[0]?.message;
    case "too_small":
      return `found ${measure(issue.input)}; allowed is at least ${issue.minimum}`;
    case "too_big":
      return `found ${measure(issue.input)}; allowed is at most ${issue.maximum}`;
    default:
      return undefined;
  }
}

/** A value as it could stand in the file, cut short. */
export function show(value: unknown): string {
  const text = JSON.stringify(value) ?? "nothing";
  return text.length > 60 ? `${text.slice(0, 57)}...` : text;
}

function describeUnion(issue: z.core.$ZodRawIssue<z.core.$ZodIssueInvalidUnion>): string | undefined {
  const { discriminator, input } = issue;
  if (!discriminator) return undefined;
  const options = Array.isArray(issue.options) ? issue.options : [];
  const found =
    typeof input === "object" && input !== null
      ? Object.entries(input).find(([key]) => key === discriminator)
      : undefined;
  return `${found ? `found ${show(found[1])}` : "is missing"}; allowed is ${options.map(String).join(" or ")}`;
}

function measure(input: unknown): string {
  if (typeof input === "string") return `${input.length} characters`;
  if (Array.isArray(input)) return `${input.length} items`;
  return show(input);
}

function keysOf(schema: unknown): string[] {
  return schema instanceof z.ZodObject ? Object.keys(schema.shape) : [];
}

function describeKeys(schema: unknown): string {
  const keys = keysOf(schema);
  return keys.length > 0 ? ` with ${keys.join(", ")}` : "";
}
