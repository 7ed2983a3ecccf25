/** Types of electron.mjs, which stays plain JavaScript because it runs before anything is installed. */

export interface FoundElectron {
  /** Absolute path of the executable. */
  path: string;
  version: string;
  /** Whether it is the one that package.json pins, and not the runtime from npm. */
  official: boolean;
}

export function findElectron(): FoundElectron | null;
export function obtainElectron(say: (text: string) => void): FoundElectron | null;
export function electronSwitches(): string[];
