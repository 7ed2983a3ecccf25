/** The keys of an ssh-agent, by its socket or (on Windows) its pipe. PuTTY's Pageant is asked where it offers such a pipe. */

// The default import: of a CommonJS module, Node names only some of the exports.
import ssh2, { type OpenSSHAgent, type ParsedKey } from "ssh2";
import { fail, ok, type Result } from "../../../preload/contract/result.ts";
import type { Identity } from "./identity.ts";

/** An agent that is there answers at once. */
const AGENT_TIMEOUT_MS = 5_000;

/** Its keys, in its order. Faults: `gone` where it isn't there, `timeout`. */
export async function listAgentKeys(path: string): Promise<Result<Identity[]>> {
  const agent = new ssh2.OpenSSHAgent(path);
  return new Promise((resolve) => {
    const timer = setTimeout(() => resolve(fail("timeout", `the agent ${path} does not answer`)), AGENT_TIMEOUT_MS);
    agent.getIdentities((error, keys) => {
      clearTimeout(timer);
      if (error) resolve(fail("gone", `the agent ${path} can't be reached`));
      else resolve(ok((keys ?? []).flatMap((key) => ("getPublicSSH" in key ? [agentIdentity(agent, key)] : []))));
    });
  });
}

function agentIdentity(agent: OpenSSHAgent, publicKey: ParsedKey): Identity {
  return {
    name: `the agent's key ${publicKey.comment || publicKey.type}`,
    publicKey,
    sign: (data, hash) =>
      new Promise((resolve, reject) => {
        agent.sign(publicKey, data, { hash }, (error, signature) => {
          if (signature) resolve(signature);
          else reject(error ?? new Error("the agent did not sign"));
        });
      }),
  };
}
