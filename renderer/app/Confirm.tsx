/** A question asked in place before something is removed. The harmless answer has the focus. */

interface Props {
  question: string;
  yes: string;
  no: string;
  onYes: () => void;
  onNo: () => void;
}

export function Confirm({ question, yes, no, onYes, onNo }: Props) {
  return (
    <div className="confirm" role="alertdialog" aria-label={question}>
      <p>{question}</p>
      <button type="button" className="button button-danger" onClick={onYes}>
        {yes}
      </button>
      {/* biome-ignore lint/a11y/noAutofocus: it was asked for just now */}
      <button type="button" className="button" autoFocus onClick={onNo}>
        {no}
      </button>
    </div>
  );
}
