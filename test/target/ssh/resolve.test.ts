import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir, userInfo } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { SshConfigFile } from "../../../main/target/ssh/config-file.ts";
import { listSshHosts, resolveSsh, type SshOptions } from "../../../main/target/ssh/resolve.ts";

let home = "";
beforeEach(() => {
  home = mkdtempSync(join(tmpdir(), "hoplab-ssh-config-"));
  mkdirSync(join(home, ".ssh", "conf.d"), { recursive: true });
});
afterEach(() => rmSync(home, { recursive: true }));

function write(file: string, text: string): void {
  writeFileSync(join(home, ".ssh", file), text);
}

function read(): SshConfigFile {
  return SshConfigFile.read(home, join(home, ".ssh", "system"));
}

function resolve(address: string, options: SshOptions = {}) {
  const resolved = resolveSsh(address, { configFile: read(), ...options });
  if (!resolved.ok) throw new Error(resolved.fault.message);
  return resolved.value;
}

test("without a configuration OpenSSH's defaults hold", () => {
  expect(resolve("vm.example.com")).toMatchObject({
    target: `${userInfo().username}@vm.example.com`,
    host: "vm.example.com",
    port: 22,
    user: userInfo().username,
    identities: ["id_rsa", "id_ecdsa", "id_ed25519"].map((file) => join(home, ".ssh", file)),
    identitiesOnly: false,
    newHostKey: "ask",
    connectTimeoutMs: 10_000,
    jump: [],
    knownHostsFiles: [
      join(home, ".ssh", "known_hosts"),
      join(home, ".ssh", "known_hosts2"),
      "/etc/ssh/ssh_known_hosts",
      "/etc/ssh/ssh_known_hosts2",
    ],
  });
});

test("a Host gives name, port, user, keys and time", () => {
  write(
    "config",
    `# mine
Host lab
  HostName %h.example.com
  Port=2222
  User = root
  IdentityFile "~/my keys/%r@%h"
  IdentityFile %d/second # the old one
  IdentitiesOnly yes
  ConnectTimeout 3
`,
  );
  expect(resolve("lab")).toMatchObject({
    target: "root@lab:2222",
    host: "lab.example.com",
    port: 2222,
    user: "root",
    identities: [join(home, "my keys", "root@lab.example.com"), join(home, "second")],
    identitiesOnly: true,
    connectTimeoutMs: 3000,
  });
});

test("what is given by hand wins over the configuration", () => {
  write("config", "Host lab\n Port 2222\n User root\n IdentityFile ~/configured\n");
  write("given", "");
  const given = join(home, ".ssh", "given");
  expect(resolve("ssh://me@lab:22", { identities: [given], target: "t", knownHostsFile: "/k" })).toMatchObject({
    target: "t",
    port: 22,
    user: "me",
    identities: [given],
    identitiesOnly: true,
    knownHostsFiles: ["/k"],
  });
});

test("the first value wins, whatever comes after it", () => {
  write("config", "Host lab\n User first\nHost *\n User second\n Port 2222\nHost lab\n Port 3333\n");
  write("system", "User third\nConnectTimeout 7\n");
  expect(resolve("lab")).toMatchObject({ user: "first", port: 2222, connectTimeoutMs: 7000 });
  expect(resolve("other")).toMatchObject({ user: "second", port: 2222 });
});

test("patterns match and negated ones exclude", () => {
  write("config", "Host *.lab !bad.lab 10.0.0.?\n User inside\nHost *\n User outside\n");
  expect(resolve("a.lab").user).toBe("inside");
  expect(resolve("10.0.0.7").user).toBe("inside");
  expect(resolve("bad.lab").user).toBe("outside");
  expect(resolve("lab").user).toBe("outside");
});

test("Match all holds for all, any other Match for none", () => {
  write("config", "Match host lab\n User never\nMatch exec true\n User never\nMatch all\n User all\n");
  expect(resolve("lab").user).toBe("all");
});

test("Include reads files by pattern, in order, under the Host that it stands under", () => {
  write("config", "Host lab\n Include conf.d/*.conf ~/.ssh/extra\nHost *\n User outside\n");
  write("conf.d/b.conf", "User b\nPort 2\n");
  write("conf.d/a.conf", "Host other\n Port 9\nHost *\n User a\n");
  write("conf.d/.hidden.conf", "User hidden\n");
  write("extra", "ConnectTimeout 4\n");
  expect(resolve("lab")).toMatchObject({ user: "a", port: 2, connectTimeoutMs: 4000 });
  expect(resolve("other")).toMatchObject({ user: "outside", port: 22 });
});

test("an Include that includes itself ends", () => {
  write("config", "Include config\nUser me\n");
  expect(resolve("lab").user).toBe("me");
});

test("known hosts files and the strictness about new keys are honoured, and never weaker than accept-new", () => {
  const strictness = (value: string) => {
    write("config", `StrictHostKeyChecking ${value}\nUserKnownHostsFile ~/a "%d/b c"\nGlobalKnownHostsFile none\n`);
    return resolve("lab").newHostKey;
  };
  expect(["yes", "ask", "accept-new", "no", "off"].map(strictness)).toEqual([
    "refuse",
    "ask",
    "accept",
    "accept",
    "accept",
  ]);
  expect(resolve("lab").knownHostsFiles).toEqual([join(home, "a"), join(home, "b c")]);
  write("config", "StrictHostKeyChecking ask\n");
  expect(resolve("lab", { acceptNewHostKey: true }).newHostKey).toBe("accept");
});

test("jump hosts are resolved one by one, with the way to the first of them", () => {
  write(
    "config",
    `Host target
  ProxyJump inner,me@[2001:db8::7]:2200
Host inner
  HostName inner.example.com
  User jumper
  IdentityFile ~/jump-key
  ProxyJump outer
Host outer
  Port 2022
`,
  );
  const { jump } = resolve("target");
  expect(jump.map(({ user, host, port }) => `${user} ${host} ${port}`)).toEqual([
    `${userInfo().username} outer 2022`,
    "jumper inner.example.com 22",
    "me 2001:db8::7 2200",
  ]);
  expect(jump[1]?.identities).toEqual([join(home, "jump-key")]);
  expect(resolve("target", { jump: "none" }).jump).toEqual([]);
  expect(resolve("target", { jump: "other" }).jump.map(({ host }) => host)).toEqual(["other"]);
});

test("a ProxyJump in a circle, a ProxyCommand, a bad port and a missing key file are faults that say where", () => {
  write(
    "config",
    "Host a\n ProxyJump b\nHost b\n ProxyJump a\nHost command\n ProxyCommand nc %h %p\nHost port\n Port ssh\n",
  );
  const fault = (address: string, options: SshOptions = {}) => {
    const resolved = resolveSsh(address, { configFile: read(), ...options });
    return resolved.ok ? undefined : `${resolved.fault.code}: ${resolved.fault.message}`;
  };
  expect(fault("a")).toMatch(/bad-input: .*circle/);
  expect(fault("command")).toMatch(/bad-input: .*config:6 .*ProxyCommand/);
  expect(fault("port")).toMatch(/bad-input: .*config:8.*port/);
  expect(fault("vm", { identities: [join(home, "no-key")] })).toMatch(/bad-input: .*no-key/);
  expect(fault("vm", { jump: "ssh://a:b@c" })).toMatch(/bad-input: .*password/);
});

test("the hosts that are spelt out are offered, with what they mean", () => {
  write("config", "Host lab web *.example.com\n User root\nHost !x lab other\nInclude conf.d/*\n");
  write("conf.d/more", "Host included\n HostName 192.0.2.1\n Port 2222\n");
  const me = userInfo().username;
  expect(listSshHosts(read())).toEqual([
    { name: "lab", address: "root@lab" },
    { name: "web", address: "root@web" },
    { name: "other", address: `${me}@other` },
    // Under `Host !x lab other` it is included only for these.
    { name: "included", address: `${me}@included` },
  ]);
});

test("an agent is the environment's, another one, or none", () => {
  write("config", "Host none\n IdentityAgent none\nHost own\n IdentityAgent ~/agent.sock\n");
  const before = process.env.SSH_AUTH_SOCK;
  process.env.SSH_AUTH_SOCK = "/usual";
  try {
    expect(["usual", "none", "own"].map((host) => resolve(host).agent)).toEqual([
      "/usual",
      undefined,
      join(home, "agent.sock"),
    ]);
  } finally {
    if (before === undefined) delete process.env.SSH_AUTH_SOCK;
    else process.env.SSH_AUTH_SOCK = before;
  }
});
