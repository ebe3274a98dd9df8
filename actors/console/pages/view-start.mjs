import { useRead } from "./api.mjs";
import { Copy, html, Link, Loaded } from "./ui.mjs";

export function Start() {
    const from = useRead("setup");
    return html`<h1>First steps</h1><p class="quiet">Each step checks itself.</p><${Loaded} from=${from}>${({ steps, done }) => {
        const next = steps.find((step) => !step.done);
        return html`<ol class="steps">${steps.map((step, at) => html`<li key=${step.id} class=${step.done ? "done" : step === next ? "next" : ""}>
            <span class="mark" aria-hidden="true">${step.done ? "✓" : at + 1}</span>
            <div><h2>${step.title}<span class="hush">${step.done ? " (done)" : ""}</span></h2><p>${step.text}</p>
                ${step === next && step.command && html`<p class="once"><code>${step.command}</code><${Copy} text=${step.command} /></p>`}
                ${step === next && step.href && html`<${Link} class="button" href=${step.href}>Go there<//>`}</div></li>`)}</ol>
            ${done && html`<p class="note ok" role="status">All done. <${Link} href="/">Home<//> tells you whether everything is fine.</p>`}`;
    }}<//>`;
}
