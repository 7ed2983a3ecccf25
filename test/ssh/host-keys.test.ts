/** Host keys of a real sshd: unknown, changed, revoked, hashed, of the type that is known. */

import { execFileSync } from "node:child_process";
import { readFileSync, writeFileSync } from "node:fs";
import { expect, test } from "vitest";
import { attempt, configFor } from "./session.ts";
import { startSshd } from "./sshd.ts";

function fingerprintOf(publicKeyFile: string): string {
  return execFileSync("ssh-keygen", ["-l", "-f", publicKeyFile], { encoding: "utf8" }).split(" ")[1] ?? "";
}

test("an unknown key is asked for, kept, and known to ssh-keygen and to the next connection", async () => {
  await using sshd = await startSshd({ hostKeyTypes: ["ed25519"] });
  const file = `${sshd.folder}/new_known_hosts`;
  const config = configFor(sshd, { knownHostsFiles: [file] });
  const first = await attempt(config, ["yes"]);
  expect(first.steps.at(-1)).toBe("authenticate ok");
  expect(first.questions).toEqual([
    {
      kind: "host-key",
      target: "test",
      host: `[127.0.0.1]:${sshd.port}`,
      keyType: "ssh-ed25519",
      fingerprint: fingerprintOf(`${sshd.hostKeys[0]}.pub`),
    },
  ]);
  expect(execFileSync("ssh-keygen", ["-F", `[127.0.0.1]:${sshd.port}`, "-f", file], { encoding: "utf8" })).toContain(
    "found",
  );
  const second = await attempt(config);
  expect(second.questions).toEqual([]);
  expect(second.steps.at(-1)).toBe("authenticate ok");
});

test("an unknown key is refused where nobody is asked, and taken where that was said", async () => {
  await using sshd = await startSshd();
  const config = configFor(sshd, { knownHostsFiles: [`${sshd.folder}/new_known_hosts`] });
  const refused = await attempt(config);
  expect(refused.steps).toEqual(["resolve ok", "connect ok", "host-key denied"]);
  expect(refused.fault?.fix).toContain("--accept-new-host-key");
  const accepted = await attempt({ ...config, newHostKey: "accept" });
  expect(accepted.questions).toEqual([]);
  expect(accepted.steps.at(-1)).toBe("authenticate ok");
});

test("a changed key is refused with both fingerprints, and the command that it tells mends it", async () => {
  await using before = await startSshd({ hostKeyTypes: ["ed25519"] });
  const file = `${before.folder}/known_hosts`;
  const old = fingerprintOf(`${before.hostKeys[0]}.pub`);
  const lines = before.knownHosts();
  await before.kill();
  await using after = await startSshd({ port: before.port, hostKeyTypes: ["ed25519"] });
  const config = configFor(after, { knownHostsFiles: [file], newHostKey: "accept" });
  writeFileSync(file, `# mine\n${lines}`);

  const refused = await attempt(config, ["yes"]);
  expect(refused.steps.at(-1)).toBe("host-key denied");
  expect(refused.questions).toEqual([]);
  expect(refused.fault?.message).toContain(old);
  expect(refused.fault?.message).toContain(fingerprintOf(`${after.hostKeys[0]}.pub`));
  expect(refused.fault?.message).toContain(`${file}:2`);

  const command = /ssh-keygen .*$/.exec(refused.fault?.fix ?? "")?.[0] ?? "";
  execFileSync("sh", ["-c", command], { stdio: "ignore" });
  expect((await attempt(config)).steps.at(-1)).toBe("authenticate ok");
});

test("a revoked key is refused", async () => {
  await using sshd = await startSshd({ hostKeyTypes: ["ed25519"] });
  const config = configFor(sshd, { newHostKey: "accept" });
  const [file = ""] = config.knownHostsFiles;
  writeFileSync(file, `@revoked * ${readFileSync(`${sshd.hostKeys[0]}.pub`, "utf8")}`);
  const { fault, steps } = await attempt(config, ["yes"]);
  expect(steps.at(-1)).toBe("host-key denied");
  expect(fault?.message).toContain("revoked");
});

test("a file that ssh-keygen hashed is read, and goes on hashed", async () => {
  await using sshd = await startSshd({ hostKeyTypes: ["ed25519"] });
  await using other = await startSshd({ hostKeyTypes: ["ed25519"] });
  const config = configFor(sshd);
  const [file = ""] = config.knownHostsFiles;
  execFileSync("ssh-keygen", ["-H", "-f", file], { stdio: "ignore" });
  expect((await attempt(config)).steps.at(-1)).toBe("authenticate ok");
  const to = configFor(other, { knownHostsFiles: [file], newHostKey: "accept" });
  expect((await attempt(to)).steps.at(-1)).toBe("authenticate ok");
  expect(readFileSync(file, "utf8")).not.toContain("127.0.0.1");
  expect(execFileSync("ssh-keygen", ["-F", `[127.0.0.1]:${other.port}`, "-f", file], { encoding: "utf8" })).toContain(
    "found",
  );
});

test.each(["ed25519", "ecdsa", "rsa"] as const)(
  "a host that is known by its %s key alone is asked for that one",
  async (type) => {
    await using sshd = await startSshd();
    const config = configFor(sshd);
    const [file = ""] = config.knownHostsFiles;
    const line = sshd
      .knownHosts()
      .split("\n")
      .find((text) => text.includes(type));
    writeFileSync(file, `${line}\n`);
    const { steps, details } = await attempt(config);
    expect(steps.at(-1)).toBe("authenticate ok");
    expect(details[2]).toContain(type);
  },
);
