import { useRead } from "./api.mjs";
import { Ago, Facts, html, Loaded } from "./ui.mjs";
import { age } from "./words.mjs";
import { Try } from "./view-events.mjs";

export function Rules() {
    const from = useRead("rules");
    return html`<h1>Rules</h1><p class="quiet">What happens when. The same text as <code>usher rules</code>; changes are made in rules.cfg.</p>
        <${Loaded} from=${from}>${({ rules, mistake }) => html`
        ${mistake && html`<p class="note bad" role="alert">rules.cfg has a mistake; the defaults are shown: ${mistake}</p>`}
        <ul class="cards">${rules.map((rule) => html`<li class="card" key=${rule.name}>
            <h2>${rule.when}</h2><p>${rule.sentence}</p>
            <${Facts} rows=${[
                ["Called", rule.name],
                rule.tag && ["Tag", html`<code>${rule.tag}</code>`],
                rule.mail && ["Mail", rule.settle_ms > 0 ? `${rule.mail}, after ${age(rule.settle_ms / 1000)}` : rule.mail],
                rule.support && ["Support", rule.support === "urgent" ? "an urgent note" : "a note"],
                rule.alert && ["Alert", "you are told"],
                rule.grace_ms > 0 && ["Grace", age(rule.grace_ms / 1000)],
                ["Used", rule.count === 0 ? "never yet" : html`${rule.count.toLocaleString()} times, last <${Ago} time=${rule.last_at} />`],
            ]} /></li>`)}</ul><${Try} />`}<//>`;
}
