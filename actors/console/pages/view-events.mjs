import { useNews, useRead } from "./api.mjs";
import { useEffect, useState } from "./hooks.mjs";
import { Ago, Copy, Empty, Facts, go, html, Lines, Link, Loaded, path } from "./ui.mjs";
import { More, usePages } from "./view-jobs.mjs";

const FAMILIES = [
    ["", "All"],
    ["payment.", "Payments"],
    ["dispute.", "Disputes"],
    ["subscription.", "Subscriptions"],
    ["member.", "Access"],
    ["job.", "Jobs"],
    ["mail.", "Bounces"],
    ["alert.", "Alerts"],
    ["admin.", "Team"],
];

export function Events({ query }) {
    const type = new URLSearchParams(query).get("type") || "";
    const { from, rows, more } = usePages("events" + (query ? "?" + query : ""), "events");
    const [news, clear] = useNews((line) => line.type.startsWith(type));
    const pick = (event) => go("/events" + (event.target.value ? "?type=" + event.target.value : ""));
    return html`<div class="head"><h1>Events</h1>${news > 0 && html`<button type="button" class="pill" onClick=${() => (clear(), from.again())}>${news} new</button>`}</div>
        <div class="filters"><label>Show<select value=${type} onChange=${pick}>${FAMILIES.map(([word, text]) => html`<option value=${word}>${text}</option>`)}</select></label></div>
        <${Loaded} from=${from}>${() => rows.length ? html`<${Lines} lines=${rows} /><${More} load=${more} />` : html`<${Empty} title="No such events"><p>Nothing of this kind has happened.</p><//>`}<//>`;
}

function ms(count) {
    return count < 1000 ? `+${count} ms` : `+${(count / 1000).toFixed(1)} s`;
}

export function Event({ id }) {
    const from = useRead("events/" + encodeURIComponent(id));
    return html`<${Loaded} from=${from} title="Event">${({ event, text, tree, plan }) => {
        const payload = JSON.stringify(event, null, 2);
        return html`
        <p class="crumb"><${Link} href="/events">Events<//></p>
        <h1>${text}</h1>
        <${Facts} rows=${[
            ["When", html`<${Ago} time=${event.time} />`],
            ["Kind", html`<code>${event.type}</code>`],
            event.who && ["By", event.who],
            event.subject && ["Member", html`<${Link} href=${path("members", event.subject)}>${event.subject}<//>`],
            ["Number in the journal", event.seq],
            ["Id", html`<code>${event.id}</code>`],
        ]} />
        <h2>What it led to</h2>
        <ol class="tree">${tree.map((row) => html`<li class=${row.event === event.id ? "here" : ""}>
            <span class="branch" aria-hidden="true">${row.branch}</span>
            <span class="grow">${row.text}${row.actor && html` <span class="meta">${row.actor}</span>`}</span>
            <span class="meta">${ms(row.after_ms)}</span></li>`)}</ol>
        <h2>If it came again</h2>
        <ul class="plan">${plan.map((row) => html`<li><strong>${row.again ? "Perhaps again" : "Not again"}</strong> ${row.text}<span class="meta">${row.why}</span></li>`)}</ul>
        <div class="head"><h2>As it stands in the journal</h2><${Copy} text=${payload} /></div>
        <pre tabindex="0">${payload}</pre>`;
    }}<//>`;
}

export function Try() {
    const [id, setId] = useState("");
    const [asked, setAsked] = useState(null);
    const from = useRead(asked ? "rules/try?event=" + encodeURIComponent(asked) : null);
    const submit = (event) => (event.preventDefault(), setAsked(id.trim() || null));
    useEffect(() => setAsked(null), []);
    return html`<section class="card"><h2>Try the rules on a past event</h2>
        <form class="filters" onSubmit=${submit}><label class="grow">Id of an event<input value=${id} placeholder="evt_..." onInput=${(event) => setId(event.target.value)} /></label><button>See</button></form>
        ${asked && from.problem && html`<p class="note bad" role="alert">${from.problem.status === 404 ? "There is no event of that id." : from.problem.message}</p>`}
        ${asked && from.data && html`<p><strong>${from.data.text}</strong></p>
            <ol class="plan">${from.data.happened.length ? from.data.happened.map((row) => html`<li>${row.text}${row.rule && html` <span class="meta">rule: ${row.rule}</span>`}</li>`) : html`<li>It changed nothing for anybody.</li>`}</ol>`}
    </section>`;
}
