import { useEffect, useRef } from "./hooks.mjs";
import { Ago, Empty, html, Link, Loaded, path } from "./ui.mjs";
import { More, usePages } from "./view-jobs.mjs";
import { STATES } from "./words.mjs";

const TYPING_MS = 200;

function Change({ before, after }) {
    const word = (side) => (side ? `${(STATES[side.state] || [side.state])[0]}, access ${side.access ? "on" : "off"}` : "unknown before");
    return after ? html`<p class="meta">${word(before)} → ${word(after)}</p>` : null;
}

export function Audit({ query }) {
    const wanted = new URLSearchParams(query);
    const timer = useRef(0);
    useEffect(() => () => clearTimeout(timer.current), []); // whoever left is not called back
    const { from, rows, more } = usePages("audit" + (query ? "?" + query : ""), "entries");
    const type = (name) => (event) => {
        const value = event.target.value;
        clearTimeout(timer.current);
        timer.current = setTimeout(() => {
            const next = new URLSearchParams(location.search);
            value ? next.set(name, value) : next.delete(name);
            history.replaceState(null, "", "/audit" + (next.size ? "?" + next : ""));
            dispatchEvent(new PopStateEvent("popstate"));
        }, TYPING_MS);
    };
    return html`<h1>Audit</h1><p class="quiet">Who did what, and why. A filter of the journal, whose chain <code>usher verify</code> proves.</p>
        <div class="filters"><label>Who<input defaultValue=${wanted.get("who") || ""} onInput=${type("who")} /></label>
            <label class="grow">What or why<input type="search" defaultValue=${wanted.get("q") || ""} onInput=${type("q")} /></label></div>
        <${Loaded} from=${from}>${() => rows.length
            ? html`<ol class="lines">${rows.map((row) => html`<li class="line" key=${row.event}><span class="lane">${row.who || "tools"}</span><div>
                <p>${row.text}${row.member && html` · <${Link} href=${path("members", row.member)}>${row.name || "the member"}<//>`}</p>
                <${Change} before=${row.before} after=${row.after} />
                <p class="meta"><${Ago} time=${row.time} /> · <${Link} href=${path("events", row.event)}>the event<//></p></div></li>`)}</ol><${More} load=${more} />`
            : html`<${Empty} title="Nothing found"><p>Nobody has done anything of that kind.</p><//>`}<//>`;
}
