/** What the command line of the window says. Chromium's own switches are beside it and are left alone. */

export interface DesktopArguments {
  /** The lab to open first: its id or the path of its file. */
  lab?: string;
}

/** Reads `--lab LAB` or `--lab=LAB`; the last one counts. */
export function readArguments(argv: readonly string[]): DesktopArguments {
  let lab: string | undefined;
  argv.forEach((argument, index) => {
    if (argument.startsWith("--lab=")) lab = argument.slice("--lab=".length);
    else if (argument === "--lab") lab = argv[index + 1];
  });
  return lab ? { lab } : {};
}
