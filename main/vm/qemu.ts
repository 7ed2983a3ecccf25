/** The QEMU command of the VM. */

import { type Channel, chardevOf, quoteOption } from "./channel.ts";
import type { Image } from "./image.ts";
import type { Accelerator } from "./machine.ts";
import type { VmPlaces } from "./places.ts";
import { IS_ARM, QEMU } from "./program.ts";

export const HOST = "127.0.0.1";
/** The saved state's name in the disk. */
export const SAVED_STATE = "ready";

export interface Machine {
  accelerator: Accelerator;
  cpus: number;
  memoryMiB: number;
}

export interface Start extends Machine {
  places: VmPlaces;
  image: Image;
  /** Tells this QEMU from every other process. */
  uuid: string;
  port: number;
  qmp: Channel;
  control: Channel;
  resume: boolean;
}

/** A bare machine: no default devices, no configuration of this machine's. */
export function machineArguments({ accelerator, cpus, memoryMiB }: Machine): string[] {
  return [
    QEMU,
    "-nodefaults",
    "-no-user-config",
    ...["-machine", IS_ARM ? "virt" : "pc"],
    ...["-accel", accelerator === "tcg" ? "tcg,thread=multi" : accelerator],
    // WHPX knows no host model in all its versions.
    ...["-cpu", accelerator === "kvm" || accelerator === "hvf" ? "host" : accelerator === "whpx" ? "qemu64" : "max"],
    ...["-smp", String(cpus)],
    ...["-m", String(memoryMiB)],
    ...["-display", "none"],
  ];
}

const PORT_OF_SSH = 22;

/** The console is the first serial line, the control line the second (on ARM, the first PCI one). */
const [CONSOLE_TTY, CONTROL_TTY] = IS_ARM ? ["ttyAMA0", "ttyS0"] : ["ttyS0", "ttyS1"];

/** edd: this BIOS answers slowly. lsm: no security module has a policy in the image. */
const KERNEL_ARGUMENTS = `root=/dev/vda console=${CONSOLE_TTY} loglevel=4 net.ifnames=0 edd=off lsm= hoplab.control=${CONTROL_TTY}`;

export function qemuArguments(start: Start): string[] {
  const { places, image, uuid, port, qmp, control, resume } = start;
  return [
    ...machineArguments(start),
    ...["-name", "hoplab-vm", "-uuid", uuid, "-pidfile", places.pidFile],
    ...["-kernel", image.kernelFile, "-initrd", image.initrd, "-append", KERNEL_ARGUMENTS],
    // The disk is thrown away after an unclean end, so nothing of it need be on the plate in time.
    ...["-drive", `file=${quoteOption(places.disk)},if=none,id=disk,format=qcow2,cache=unsafe,discard=unmap`],
    ...["-device", "virtio-blk-pci,drive=disk"],
    // restrict: the guest reaches neither this machine nor its network nor the internet; only sshd is reached in it.
    ...["-netdev", `user,id=net,restrict=on,hostfwd=tcp:${HOST}:${port}-:${PORT_OF_SSH}`],
    ...["-device", "virtio-net-pci,netdev=net,romfile="],
    ...["-device", "virtio-rng-pci"],
    // What the guest frees goes back to this machine, and is not in a saved state.
    ...["-device", "virtio-balloon-pci,free-page-reporting=on"],
    ...["-rtc", "base=utc,clock=host"],
    ...["-fw_cfg", `name=opt/hoplab/host_key,file=${quoteOption(places.hostKey)}`],
    ...["-fw_cfg", `name=opt/hoplab/authorized_keys,file=${quoteOption(places.authorizedKeys)}`],
    ...["-chardev", `file,id=console,path=${quoteOption(places.console)}`, "-serial", "chardev:console"],
    ...["-chardev", chardevOf("control", control)],
    ...(IS_ARM ? ["-device", "pci-serial,chardev=control"] : ["-serial", "chardev:control"]),
    ...["-chardev", chardevOf("qmp", qmp), "-mon", "chardev=qmp,mode=control"],
    ...(resume ? ["-loadvm", SAVED_STATE] : []),
  ];
}
