import { useRead } from "./api.mjs";
import { Act, Ago, Countdown, Empty, html, Link, Loaded, post, State } from "./ui.mjs";

const HOURS = [["1", "1 hour"], ["8", "8 hours"], ["24", "1 day"], ["168", "1 week"]];

function Silence({ me, alert, again }) {
    const may = me.rights.includes("OPERATE");
    const which = { rule: alert.rule, object: alert.object };
    const run = (values) => post("alerts/silence", which)({ reason: values.reason, hours: Number(values.hours) });
    return alert.silenced_until
        ? html`<p class="meta">silenced, speaks again <${Countdown} time=${alert.silenced_until} /></p><${Act} label="Let it speak" may=${may} run=${post("alerts/unsilence", which)} done=${again} button="Let it speak" />`
        : html`<${Act} label="Silence" may=${may} fields=${[{ name: "hours", label: "For how long", kind: "select", options: HOURS, value: "8" }]} run=${run} done=${again} button="Silence" text="Hooks are not told meanwhile; it shows here all the same." />`;
}

export function Alerts({ me }) {
    const from = useRead("alerts");
    return html`<h1>Alerts</h1><${Loaded} from=${from}>${({ standing, watched, hooks, history, silences }) => html`
        ${standing.length
            ? html`<ul class="cards">${standing.map((alert) => html`<li class="card bad" key=${alert.rule + alert.object}>
                <h2>${alert.text}</h2><p class="meta">since <${Ago} time=${alert.since} /></p>
                ${alert.todo && html`<p>What to do: ${alert.todo}</p>`}
                <div class="buttons">${alert.href && html`<${Link} class="button main" href=${alert.href}>Fix it<//>`}<${Silence} me=${me} alert=${alert} again=${from.again} /></div></li>`)}</ul>`
            : html`<${Empty} title="Nothing stands"><p>What is watched below is as it should be.</p><//>`}
        ${silences.length > 0 && html`<h2>Silenced</h2><ul class="rows">${silences.map((each) => html`<li class="row"><span class="grow"><strong>${each.rule}</strong><span>${each.object || "all of them"} · by ${each.who}: ${each.reason}</span></span><${Countdown} time=${each.until} />
            <${Act} label="Let it speak" may=${me.rights.includes("OPERATE")} run=${post("alerts/unsilence", { rule: each.rule, object: each.object })} done=${from.again} button="Let it speak" /></li>`)}</ul>`}
        <h2>Who is told</h2>
        ${hooks.length ? html`<ul class="rows">${hooks.map((hook) => html`<li class="row"><span class="grow"><strong>${hook.name}</strong></span><${State} word=${hook.state} /></li>`)}</ul>` : html`<p class="quiet">Nobody: usher.cfg names no hook.</p>`}
        ${hooks.length > 0 && html`<div class="buttons"><${Act} label="Send a test message" may=${me.rights.includes("OPERATE")} run=${post("alerts/test")} done=${from.again} button="Send" text="Everybody above gets one message; whoever could not be reached shows in Problems." /></div>`}
        <h2>What is watched</h2>
        <ul class="rows">${watched.map((row) => html`<li class="row"><span class="grow"><strong>${row.title}</strong><span>${row.threshold}</span></span></li>`)}</ul>
        <h2>What was</h2>
        ${history.length ? html`<ol class="lines">${history.map((row) => html`<li class="line"><${State} word=${row.state} /><div><p>${row.text}</p><p class="meta"><${Ago} time=${row.time} /></p></div></li>`)}</ol>` : html`<p class="quiet">No alert has ever been raised.</p>`}`}<//>`;
}
