import { expect, test } from "vitest";
import { parseSshAddress, printSshAddress } from "../../../main/target/ssh/address.ts";

test.each([
  ["ssh://root@vm.example.com:2222", { user: "root", host: "vm.example.com", port: 2222 }],
  ["ssh://vm", { host: "vm" }],
  ["SSH://vm/", { host: "vm" }],
  ["ssh://root@[2001:db8::1]:22", { user: "root", host: "2001:db8::1", port: 22 }],
  ["ssh://[::1]", { host: "::1" }],
  ["ssh://a%40b@vm", { user: "a@b", host: "vm" }],
  ["vm", { host: "vm" }],
  ["root@vm", { user: "root", host: "vm" }],
  ["root@vm:2222", { user: "root", host: "vm", port: 2222 }],
  ["a@b@vm", { user: "a@b", host: "vm" }],
  ["root@2001:db8::1", { user: "root", host: "2001:db8::1" }],
  ["192.0.2.1", { host: "192.0.2.1" }],
])("%s is read", (text, address) => {
  expect(parseSshAddress(text)).toEqual({ ok: true, value: address });
});

test.each([
  ["http://vm", "begins with http://"],
  ["ssh://", "no host"],
  ["", "no host"],
  ["ssh://root@", "no host"],
  ["ssh://@vm", "no user"],
  ["ssh://vm:0", 'port "0"'],
  ["ssh://vm:70000", 'port "70000"'],
  ["ssh://vm:ssh", 'port "ssh"'],
  ["ssh://vm:", 'port ""'],
  ["ssh://2001:db8::1", "brackets"],
  ["ssh://[vm]:22", "no IPv6"],
  ["ssh://vm/path", "path"],
  ["vm:22:33", "neither"],
  ["-oProxyCommand=x", "characters"],
  ["-l@vm", "characters"],
  ["vm;reboot", "characters"],
  ["a b", "characters"],
])("%s is refused: %s", (text, why) => {
  const parsed = parseSshAddress(text);
  expect(parsed).toMatchObject({ ok: false, fault: { code: "bad-input", message: expect.stringContaining(why) } });
});

test("a password in the address is refused without being repeated", () => {
  const parsed = parseSshAddress("ssh://root:hunter2@vm:22");
  expect(parsed).toMatchObject({ ok: false, fault: { code: "bad-input" } });
  expect(JSON.stringify(parsed)).not.toContain("hunter2");
});

test("an address is printed as it can be read", () => {
  for (const text of ["root@vm:2222", "root@[::1]:2222", "root@vm", "vm"]) {
    const parsed = parseSshAddress(text);
    expect(parsed.ok && printSshAddress(parsed.value)).toBe(text);
  }
});
