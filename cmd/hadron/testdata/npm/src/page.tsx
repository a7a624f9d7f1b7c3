import { render } from "preact-render-to-string";
import { useState } from "preact/hooks";

function Greeting({ name }: { name: string }) {
  const [count] = useState(2);
  return (
    <main class="greeting">
      <h1>Hello, {name || "nobody"}!</h1>
      <ul>{Array.from({ length: count }, (_, i) => <li key={i}>item {i + 1}</li>)}</ul>
      <input disabled value={'"quoted"'} />
    </main>
  );
}

export function page(name: string): string {
  return "<!doctype html>" + render(<Greeting name={name} />);
}
