import { useRead } from "./api.mjs";
import { Act, Ago, Empty, Facts, html, Loaded, post, State } from "./ui.mjs";
import { age, bytes } from "./words.mjs";

function Target({ me, actor, target, again }) {
    const where = ["targets", actor, target.slot].map(encodeURIComponent).join("/");
    const may = me.rights.includes("OPERATE");
    return html`<li class="row"><span class="grow"><strong>${target.name}</strong>
        <span class="meta">${target.waiting} waiting${target.dead > 0 && `, ${target.dead} need you`}</span></span>
        <${State} word=${target.state} />
        ${target.state === "paused"
            ? html`<${Act} label="Let it go on" may=${may} run=${post(where + "/resume")} done=${again} button="Go on" />`
            : html`<${Act} label="Pause" may=${may} run=${post(where + "/pause")} done=${again} button="Pause" text="Its jobs wait until you let it go on; nothing is lost." />`}</li>`;
}

export function Fleet({ me }) {
    const from = useRead("fleet");
    return html`<h1>Fleet</h1><${Loaded} from=${from}>${({ broker, actors }) => html`
        ${broker &&
        html`<section class="card"><div class="head"><h2>Journal</h2><${State} word="up" /></div>
            <${Facts} rows=${[
                ["Events", broker.head.toLocaleString()],
                ["Size", bytes(broker.bytes)],
                ["Room left", bytes(broker.free_bytes)],
                ["Running for", age(broker.uptime_ms / 1000)],
                broker.damaged > 0 && ["Damaged segments", html`<strong class="bad">${broker.damaged}</strong>`],
            ]} /></section>`}
        ${actors.length === 0 && html`<${Empty} title="Nobody is there"><p>Whoever runs the machine starts the fleet with: usher up</p><//>`}
        <ul class="cards">${actors.map((actor) => html`<li class="card" key=${actor.name}>
            <div class="head"><h2>${actor.name}</h2><${State} word=${actor.state} /></div>
            <${Facts} rows=${[
                actor.since && ["Up since", html`<${Ago} time=${actor.since} />`],
                ["Behind by", actor.lag === 0 ? "nothing" : `${actor.lag} events, the oldest ${age(actor.oldest_ms / 1000)} old`],
                ["Done", `${actor.applied.toLocaleString()} events${actor.rate !== null ? `, ${actor.rate.toFixed(1)} a second` : ""}`],
                ["Store", bytes(actor.store_bytes)],
                actor.error && ["Trouble", html`<span class="answer">${actor.error}</span>`],
            ]} />
            ${actor.targets.length > 0 && html`<ul class="rows">${actor.targets.map((target) => html`<${Target} key=${target.slot} me=${me} actor=${actor.name} target=${target} again=${from.again} />`)}</ul>`}
        </li>`)}</ul>`}<//>`;
}
