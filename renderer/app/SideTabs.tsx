/** The tabs of the side panel. */

import { Tabs } from "radix-ui";
import type { ReactNode } from "react";

interface Props<Id extends string> {
  tabs: readonly { id: Id; heading: string; content: ReactNode }[];
  shown: Id;
  onShow: (id: Id) => void;
}

export function SideTabs<Id extends string>({ tabs, shown, onShow }: Props<Id>) {
  return (
    <Tabs.Root
      className="side"
      value={shown}
      onValueChange={(value) => {
        const chosen = tabs.find(({ id }) => id === value);
        if (chosen) onShow(chosen.id);
      }}
    >
      <Tabs.List className="tabs">
        {tabs.map(({ id, heading }) => (
          <Tabs.Trigger key={id} value={id} className="tab">
            {heading}
          </Tabs.Trigger>
        ))}
      </Tabs.List>
      {tabs.map(({ id, content }) => (
        <Tabs.Content key={id} value={id} className="tab-body">
          {content}
        </Tabs.Content>
      ))}
    </Tabs.Root>
  );
}
