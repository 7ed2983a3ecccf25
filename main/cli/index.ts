/** The `hoplab` command: a thin shell over the same calls that the page makes. */

import { Command, CommanderError, InvalidArgumentError, Option } from "commander";
import { messageOf } from "../../preload/contract/result.ts";
import { PRIVILEGE_CHOICES } from "../../preload/contract/target.ts";
import { VERSION } from "../rpc/version.ts";
import { runCapture, runRead } from "./capture-commands.ts";
import { runCheck } from "./check-command.ts";
import { runCompare, runSendOrCompare } from "./compare-command.ts";
import { runExec, runState } from "./enter-commands.ts";
import { runDoctor, runDown, runLabs, runPlan, runPs, runUp, runValidate } from "./lab-commands.ts";
import { runChange, runFault, runNodeAdd, runNodeList } from "./live-commands.ts";
import { runServe } from "./serve-command.ts";
import { type CliOptions, EXIT_USAGE, printFaultAs } from "./session.ts";
import { runTargetAdd, runTargetList, runTargetRemove, runTargetTest } from "./target-commands.ts";
import { runVmBuild, runVmDelete, runVmDown, runVmSsh, runVmStatus, runVmUp } from "./vm-commands.ts";

const program = new Command("hoplab")
  .description("See how container networks really work: build a lab, send packets, follow them hop by hop.")
  .version(VERSION)
  .option("--json", "print one JSON document on stdout; messages go to stderr")
  .addOption(new Option("--sudo", "become root through sudo (labs are rootless otherwise)").conflicts("pkexec"))
  .addOption(new Option("--pkexec", "become root through pkexec"))
  .addOption(
    new Option("--target <target>", "where labs run; `hoplab target list` names them")
      .env("HOPLAB_TARGET")
      .default("local"),
  )
  .option("--accept-new-host-key", "accept the key of an SSH host that is not known yet (a changed one never)")
  .showHelpAfterError("(hoplab --help lists the commands)")
  .exitOverride();

function options(): CliOptions {
  return program.opts<CliOptions>();
}

/** Commander tells of a command without its subcommand by printing help. */
function usageMessage({ code, message }: CommanderError): string {
  return code === "commander.help" ? "a command is missing" : message.replace(/^error: /, "");
}

function wholeNumber(least: number, most: number): (text: string) => number {
  return (text) => {
    const number = Number(text);
    if (Number.isInteger(number) && number >= least && number <= most) return number;
    throw new InvalidArgumentError(`A whole number from ${least} to ${most} is allowed.`);
  };
}

function list(text: string): string[] {
  return text.split(",").map((part) => part.trim());
}

/** A command that sends traffic; `from` says who sends. */
function sending(command: string, from: string): Command {
  return program
    .command(command)
    .option("--from <name>", from)
    .option("--to <name>", "who receives: likewise, or an IPv4 address")
    .addOption(new Option("--protocol <protocol>").choices(["icmp", "tcp", "udp"]))
    .option("--port <port>", "the destination port, for tcp and udp", wholeNumber(1, 65535))
    .option("--count <count>", "how many packets or connections", wholeNumber(1, 100_000))
    .option("--size <bytes>", "payload bytes of each", wholeNumber(0, 65507))
    .addOption(new Option("--dont-fragment", "set DF: what is too big is dropped and not cut").conflicts("fragment"))
    .option("--fragment", "clear DF: any router may cut what is too big");
}

program
  .command("labs")
  .description("list the labs")
  .action(() => runLabs(options()));
program
  .command("doctor")
  .description("try out what this machine can do, and say what each lab lacks")
  .action(() => runDoctor(options()));
program
  .command("validate <file>")
  .description("check a lab file; every problem comes with its line and column")
  .action((file: string) => runValidate(options(), file));
program
  .command("plan <lab>")
  .description("print what building a lab would run, as one script or as JSON")
  .addOption(new Option("--format <format>").choices(["sh", "json"]).default("sh"))
  .action((lab: string, { format }: { format: "sh" | "json" }) => runPlan(options(), lab, format));
program
  .command("up <lab>")
  .description("build a lab; it lives on until `hoplab down`")
  .option("--name <name>", "another name, to have two copies of one lab")
  .action((lab: string, { name }: { name?: string }) => runUp(options(), lab, name));
program
  .command("ps")
  .description("list the labs that are up")
  .action(() => runPs(options()));
program
  .command("down [lab]")
  .description("remove a lab with everything in it")
  .option("--all", "remove all of them")
  .action((lab: string | undefined, { all }: { all?: boolean }) => runDown(options(), lab, all === true));
program
  .command("exec <lab> <netns> <command...>")
  .description("run a command in a namespace of a lab that is up: hoplab exec LAB NETNS -- CMD…")
  .action((lab: string, netns: string, command: string[]) => runExec(options(), lab, netns, command));
program
  .command("shell <lab> <netns>")
  .description("open a shell in a namespace of a lab that is up")
  .action((lab: string, netns: string) => runExec(options(), lab, netns, []));
program
  .command("state <lab> <netns>")
  .description("print a namespace's interfaces, routes, neighbours and FDB")
  .action((lab: string, netns: string) => runState(options(), lab, netns));
sending("send <lab>", "who sends: a pod, node or namespace (default: what the lab suggests)")
  .description("send traffic in a lab and follow each packet (brings the lab up for it where it is not)")
  .action((lab: string, traffic: Parameters<typeof runSendOrCompare>[2]) => runSendOrCompare(options(), lab, traffic));
sending("compare <lab> [other]", "who sends: a name that both labs have (default: what the first lab suggests)")
  .description(
    "send the same traffic in two labs, and align the journeys hop by hop (brings them up where they are not)",
  )
  .action((lab: string, other: string | undefined, traffic: Parameters<typeof runCompare>[3]) =>
    runCompare(options(), lab, other, traffic),
  );
program
  .command("check <lab>")
  .description("run a lab's checks: what is expected against what is seen (brings the lab up for it where it is not)")
  .action((lab: string) => runCheck(options(), lab));
program
  .command("capture <lab>")
  .description("capture in a lab that is up until Ctrl-C")
  .requiredOption("-w, --write <file>", "the pcapng file to write")
  .option("--interfaces <list>", "netns/interface, separated by commas (default: all of a small lab)", list)
  .option("--filter <filter>", "a tcpdump filter")
  .option("--duration <seconds>", "end by itself", wholeNumber(1, 86_400))
  .action((lab: string, more: Parameters<typeof runCapture>[2]) => runCapture(options(), lab, more));
program
  .command("read <file>")
  .description("follow the packets of a pcap or pcapng file")
  .option("--lab <lab>", "the lab that it was captured in (found by itself for Hoplab's own captures)")
  .option("--journey <number>", "show this packet's hops only", wholeNumber(0, 2 ** 32))
  .option("--limit <count>", "how many packets to print", wholeNumber(1, 1_000_000), 1000)
  .action((file: string, more: Parameters<typeof runRead>[2]) => runRead(options(), file, more));
program
  .command("serve")
  .description("serve the page to a browser")
  .option("--port <port>", "default: where it listened last, else a free one", wholeNumber(0, 65535), 0)
  .option("--host <address>", "where to listen; anything but loopback lets others in", "127.0.0.1")
  .option("--open-lab <lab>", "bring this lab up, send its traffic, and open the page with it")
  .action((more: Parameters<typeof runServe>[1]) => runServe(options(), more));

program
  .command("fault <lab> [name]")
  .description("break something in a lab that is up, or list what can be broken, how it shows, and how to find it")
  .option("--revert", "take it back")
  .action((lab: string, name: string | undefined, more: { revert?: boolean }) => runFault(options(), lab, name, more));

const node = program.command("node").description("the nodes of a lab that is up, which can come and go");
node
  .command("list <lab>")
  .description("list them")
  .action((lab: string) => runNodeList(options(), lab));
node
  .command("add <lab> <name>")
  .description("have a node join")
  .option("--address <address>", "its address (default: a free one)")
  .option("--network <network>", "its underlay network (default: the first node's)")
  .option("--pods <list>", "the names of its pods, separated by commas (default: one pod)", list)
  .action((lab: string, name: string, more: Parameters<typeof runNodeAdd>[3]) =>
    runNodeAdd(options(), lab, name, more),
  );
node
  .command("remove <lab> <name>")
  .description("have a node leave, with its pods")
  .action((lab: string, name: string) => runChange(options(), lab, { kind: "remove-node", name }));
node
  .command("move <lab> <name> <address>")
  .description("give a node another address")
  .action((lab: string, name: string, address: string) =>
    runChange(options(), lab, { kind: "move-node", name, address }),
  );

const agent = program
  .command("agent")
  .description("the network plugin's own process on a node (flanneld, calico-node)");
agent
  .command("stop <lab> <node>")
  .description("stop it: nothing more is written on that node")
  .action((lab: string, name: string) => runChange(options(), lab, { kind: "stop-agent", name }));
agent
  .command("start <lab> <node>")
  .description("start it again: it catches up")
  .action((lab: string, name: string) => runChange(options(), lab, { kind: "start-agent", name }));

const target = program.command("target").description("the Linux machines that host labs");
target
  .command("add <name> [address]")
  .description("add an SSH host (ssh://user@host:port or a Host of ~/.ssh/config), or with --command any other way")
  .option("--identity <file>", "the private key to log in with")
  .option("--jump <hosts>", "hosts to go through, separated by commas", list)
  .option("--command <command>", "a command that runs its arguments, e.g. 'wsl.exe -d Ubuntu -u root --'")
  .addOption(
    new Option("--privilege <how>", "what labs are built as")
      .choices(PRIVILEGE_CHOICES)
      .default("auto", "root, else sudo, else rootless"),
  )
  .action((name: string, address: string | undefined, more: Parameters<typeof runTargetAdd>[3]) =>
    runTargetAdd(options(), name, address, more),
  );
target
  .command("list")
  .description("list the targets")
  .action(() => runTargetList(options()));
target
  .command("remove <name>")
  .description("forget a target; labs that are up there stay up")
  .action((name: string) => runTargetRemove(options(), name));
target
  .command("test <name>")
  .description("try a target step by step, and say how to mend what fails")
  .action((name: string) => runTargetTest(options(), name));

const vm = program.command("vm").description("the built-in virtual machine: the target `vm`");
vm.command("build")
  .description("build its image, once")
  .action(() => runVmBuild(options()));
vm.command("up")
  .description("start it, or resume it")
  .action(() => runVmUp(options()));
vm.command("down")
  .description("stop it, with the labs in it")
  .action(() => runVmDown(options()));
vm.command("status")
  .description("say what it is and does")
  .action(() => runVmStatus(options()));
vm.command("delete")
  .description("remove its disk, its saved state and its image")
  .action(() => runVmDelete(options()));
vm.command("ssh [command...]")
  .description("open a shell in it, or run a command")
  .action((command: string[]) => runVmSsh(options(), command));

try {
  await program.parseAsync();
} catch (error) {
  if (error instanceof CommanderError) {
    process.exitCode = error.exitCode === 0 ? 0 : EXIT_USAGE;
    // What is wrong stands on stderr already; how far the options were read depends on what is wrong.
    const wantsJson = process.argv.slice(2).includes("--json");
    if (error.exitCode !== 0 && wantsJson) printFaultAs({ code: "bad-input", message: usageMessage(error) }, true);
  } else {
    const message = messageOf(error);
    printFaultAs({ code: "internal", message }, options().json === true);
    if (process.env.HOPLAB_DEBUG) console.error(error);
  }
}
