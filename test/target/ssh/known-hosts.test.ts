import { expect, test } from "vitest";
import {
  fingerprint,
  formatKnownHost,
  judgeHostKey,
  knownKeyTypes,
  parseKnownHosts,
} from "../../../main/target/ssh/known-hosts.ts";

// Made with ssh-keygen; the hashed lines by `ssh-keygen -H` from the plain ones.
const ED25519 = "AAAAC3NzaC1lZDI1NTE5AAAAIOB9ulxGAe8bspDCYbvWESmt0jvrKXZv/GJUqHZ0axHd";
const OTHER_ED25519 = "AAAAC3NzaC1lZDI1NTE5AAAAILLB/pmNzeZNJlVMSEsfQ5JvHpA/HmPFGWstF+IYJjnX";
const ECDSA =
  "AAAAE2VjZHNhLXNoYTItbmlzdHAyNTYAAAAIbmlzdHAyNTYAAABBBKp20w9PolkmbnQ4inGiZFue7op8oSQFYqefFx/tr7POsf4sjFxDkWBMVGHomSQlA5ioWHopq4pjTSWZZarn4Rs=";
const HASHED = `
|1|mkBemSjSDJlR7D8M4u5Da9Vt918=|bpLfbuYPmhao6dPDK4c1DOHEwuc= ssh-ed25519 ${ED25519}
|1|L5JXMKnIbEuoBEU7Y118r7S+JRE=|VVtHyyIpAJh34ff7jMfWlVrDMFs= ecdsa-sha2-nistp256 ${ECDSA}
`;
const TYPES = ["ssh-ed25519", "ecdsa-sha2-nistp256", "ssh-rsa"];

function judge(text: string, address: string, key: string) {
  const [host = "", port = "22"] = address.split(" ");
  const known = parseKnownHosts(text, "known_hosts");
  return judgeHostKey(known, { host, port: Number(port) }, Buffer.from(key, "base64"), TYPES);
}

test("a fingerprint is what ssh-keygen -l prints", () => {
  expect(fingerprint(Buffer.from(ED25519, "base64"))).toBe("SHA256:J3rCq1jwBQ1YvExbmVAJ8rZhd8IW06o5/bTHONKl1Xs");
});

test("a host is known by its name, and by none other", () => {
  const text = `# mine\n\nvm.example.com,192.0.2.7 ssh-ed25519 ${ED25519} a comment\n`;
  expect(judge(text, "vm.example.com", ED25519)).toMatchObject({ kind: "known", entry: { line: 3 } });
  expect(judge(text, "VM.Example.COM", ED25519).kind).toBe("known");
  expect(judge(text, "192.0.2.7", ED25519).kind).toBe("known");
  expect(judge(text, "example.com", ED25519).kind).toBe("unknown");
  expect(judge(text, "vm.example.com.evil.test", ED25519).kind).toBe("unknown");
});

test("a host on another port is another host, but the same key under its bare name does", () => {
  const text = `[vm.example.com]:2222 ssh-ed25519 ${ED25519}\nbare.example.com ssh-ed25519 ${ED25519}\n`;
  expect(judge(text, "vm.example.com 2222", ED25519).kind).toBe("known");
  expect(judge(text, "vm.example.com", ED25519).kind).toBe("unknown");
  expect(judge(text, "vm.example.com 2223", ED25519).kind).toBe("unknown");
  expect(judge(text, "bare.example.com 2222", ED25519).kind).toBe("known");
  expect(judge(text, "bare.example.com 2222", OTHER_ED25519).kind).toBe("unknown");
});

test("hashed names are found", () => {
  expect(judge(HASHED, "vm.example.com", ED25519)).toMatchObject({ kind: "known", entry: { line: 2 } });
  expect(judge(HASHED, "vm.example.com 2222", ECDSA)).toMatchObject({ kind: "known", entry: { line: 3 } });
  expect(judge(HASHED, "other.example.com", ED25519).kind).toBe("unknown");
  expect(judge(HASHED, "vm.example.com", OTHER_ED25519)).toMatchObject({ kind: "changed", entries: [{ line: 2 }] });
});

test("patterns match, and a negated one excludes", () => {
  const text = `*.example.com,!bad.example.com,10.0.0.? ssh-ed25519 ${ED25519}`;
  expect(judge(text, "vm.example.com", ED25519).kind).toBe("known");
  expect(judge(text, "10.0.0.5", ED25519).kind).toBe("known");
  expect(judge(text, "10.0.0.55", ED25519).kind).toBe("unknown");
  expect(judge(text, "bad.example.com", ED25519).kind).toBe("unknown");
});

test("another key of the same type is a changed key, whatever else is known", () => {
  const text = `vm ecdsa-sha2-nistp256 ${ECDSA}\nvm ssh-ed25519 ${ED25519}\n`;
  expect(judge(text, "vm", OTHER_ED25519)).toMatchObject({ kind: "changed", entries: [{ line: 2 }] });
});

test("one of several keys of the same type does", () => {
  const text = `vm ssh-ed25519 ${ED25519}\nvm ssh-ed25519 ${OTHER_ED25519}\n`;
  expect(judge(text, "vm", OTHER_ED25519)).toMatchObject({ kind: "known", entry: { line: 2 } });
});

test("a host that no longer shows the type it is known by has changed", () => {
  const text = `vm ecdsa-sha2-nistp256 ${ECDSA}\n`;
  expect(judge(text, "vm", ED25519)).toMatchObject({ kind: "changed", entries: [{ keyType: "ecdsa-sha2-nistp256" }] });
});

test("a revoked key is refused even where another line trusts it", () => {
  const text = `vm ssh-ed25519 ${ED25519}\n@revoked * ssh-ed25519 ${ED25519}\n`;
  expect(judge(text, "vm", ED25519)).toMatchObject({ kind: "revoked", entry: { line: 2 } });
  expect(judge(text, "vm 2222", ED25519).kind).toBe("revoked");
});

test("certificate authorities, comments and broken lines are skipped", () => {
  const text = `@cert-authority * ssh-ed25519 ${ED25519}\n#vm ssh-ed25519 ${ED25519}\nvm ssh-ed25519\nvm ssh-rsa ${ED25519}\n|1|x ssh-ed25519 ${ED25519}`;
  expect(judge(text, "vm", ED25519).kind).toBe("unknown");
});

test("the types of the keys that a host is known by are told", () => {
  expect(knownKeyTypes(parseKnownHosts(HASHED, "f"), { host: "vm.example.com", port: 2222 })).toEqual([
    "ecdsa-sha2-nistp256",
  ]);
});

test("a written line is read again, plain and hashed", () => {
  const key = Buffer.from(ED25519, "base64");
  expect(formatKnownHost("VM", 2222, key, false)).toBe(`[vm]:2222 ssh-ed25519 ${ED25519}`);
  const hashed = formatKnownHost("vm", 2222, key, true);
  expect(hashed).toMatch(/^\|1\|[^ ]{28}\|[^ ]{28} ssh-ed25519 /);
  expect(hashed).not.toContain("[vm]");
  expect(judge(hashed, "vm 2222", ED25519).kind).toBe("known");
});
