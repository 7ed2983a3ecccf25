import { expect, test } from "vitest";
import { sendCommand, splitWords } from "../../main/cli/words.ts";
import { trafficSchema } from "../../preload/contract/lab.ts";

test.each([
  ["wsl.exe -d Ubuntu -u root --", ["wsl.exe", "-d", "Ubuntu", "-u", "root", "--"]],
  ["  docker   exec -i lab ", ["docker", "exec", "-i", "lab"]],
  ["ssh -o 'ProxyCommand=nc %h %p' host", ["ssh", "-o", "ProxyCommand=nc %h %p", "host"]],
  ['sh -c "a \\"b\\" c"', ["sh", "-c", 'a "b" c']],
  ["a\\ b ''", ["a b", ""]],
  ["C:\\Windows\\System32\\wsl.exe --", ["C:\\Windows\\System32\\wsl.exe", "--"]],
  ["it''s", ["its"]],
])("the command line %s is the words that a shell makes of it", (line, words) => {
  expect(splitWords(line)).toEqual({ ok: true, value: words });
});

test.each(["", "   ", "sh -c 'open", 'a "b'])("the command line %j is refused", (line) => {
  expect(splitWords(line)).toMatchObject({ ok: false, fault: { code: "bad-input" } });
});

test.each([
  [{}, ""],
  [{ protocol: "tcp", port: 80 }, " --protocol tcp --port 80"],
  [{ count: 3, size: 1472, dontFragment: true }, " --count 3 --size 1472 --dont-fragment"],
  [{ dontFragment: false }, " --fragment"],
])("the command for the traffic %j says all of it", (more, words) => {
  const traffic = trafficSchema.parse({ from: "pod/a", to: "pod/c", ...more });
  expect(sendCommand("lab", traffic)).toBe(`hoplab send lab --from pod/a --to pod/c${words}`);
});
