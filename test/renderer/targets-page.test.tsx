import { renderToStaticMarkup } from "react-dom/server";
import { describe, expect, it } from "vitest";
import { QuestionBody } from "../../renderer/targets/QuestionDialog.tsx";
import { TargetSteps } from "../../renderer/targets/TargetSteps.tsx";
import { FAILED_STEPS, HOST_KEY, PROMPT, SUDO, TEST_STEPS } from "./recorded-targets.ts";

const ignore = () => undefined;

describe("the steps of a test", () => {
  it("name what is missing with its fix, and what is there", () => {
    const html = renderToStaticMarkup(<TargetSteps kind="ssh" steps={TEST_STEPS} running={false} />);
    for (const part of ["24 ms away", "ipvsadm", "sudo apt install ipvsadm", "modprobe ipip", "br_netfilter"]) {
      expect(html).toContain(part);
    }
    expect(html).toContain('aria-label="1 missing"');
    expect(html).toContain("11 found");
  });

  it("say in words how each went and what to do about a failure", () => {
    const html = renderToStaticMarkup(<TargetSteps kind="ssh" steps={FAILED_STEPS} running={false} />);
    expect(html.match(/data-state="ok"/g)).toHaveLength(3);
    expect(html).toContain("failed:");
    expect(html).toContain("Check the user and the key: ssh debian@lab.example.org");
    expect(html.match(/not tried/g)).toHaveLength(4);
  });
});

describe("a question", () => {
  it("shows the fingerprint of an unknown key, and the command that prints it on the host", () => {
    const html = renderToStaticMarkup(<QuestionBody question={HOST_KEY.question} onAnswer={ignore} />);
    expect(html).toContain("<code>SHA256:uNiVztksCsDhcc0u9e8BrxU9XqDN2fUZtM7dR9ZZiWo</code>");
    expect(html).toContain("ssh-keygen -lf /etc/ssh/ssh_host_ed25519_key.pub");
  });

  it("takes a secret without showing or remembering it", () => {
    const html = renderToStaticMarkup(<QuestionBody question={SUDO.question} onAnswer={ignore} />);
    expect(html).toMatch(/<input type="password" autoComplete="off"/);
  });

  it("shows the host's own words as text, whatever is in them", () => {
    const html = renderToStaticMarkup(<QuestionBody question={PROMPT.question} onAnswer={ignore} />);
    expect(html).toContain("&lt;b&gt;One-time code&lt;/b&gt;");
    expect(html).toContain("These are the words of cloud, not of Hoplab");
    expect(html).toMatch(/<input type="text"/);
  });
});
