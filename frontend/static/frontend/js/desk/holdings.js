// What is held: by the account shown, or by all accounts one sees, each followed by its own events.
import { boot, byId } from "../lib/dom.js";
import { rememberObject, rememberedObject } from "../lib/remember.js";
import { Book } from "./book.js";

const KEY = "desk.holdings";

export class Holdings extends EventTarget {
  #others = new Map(); // account -> Book, while all are shown
  #all = rememberedObject(KEY).all === true && boot.accounts.length > 1;

  /** @param {{account: () => object}} desk  the account shown, whose book and channel are the desk's */
  constructor(book, socket, { account }) {
    super();
    this.book = book;
    this.socket = socket;
    this.account = account;
    book.addEventListener("positions", () => this.#tell());
    socket.addEventListener("snapshot", ({ detail }) => this.#others.get(detail.channel)?.load(detail.data));
    socket.addEventListener("delta", ({ detail }) => this.#others.get(detail.channel)?.apply(detail.events));
    socket.addEventListener("revoked", ({ detail }) => this.#others.delete(detail.channel) && this.#tell());
    for (const button of document.querySelectorAll("[data-holdings]")) button.addEventListener("click", () => this.#choose(button.dataset.holdings === "all"));
    this.#draw();
  }

  /** Whether all accounts are shown together. */
  get all() {
    return this.#all;
  }

  /** Whether anything is known of what is held. */
  get known() {
    return this.book.loaded;
  }

  /** {account, position} of everything held. */
  rows() {
    const shown = [...this.book.positions.values()].map((position) => ({ account: this.account()?.id, position }));
    const others = [...this.#others.values()].flatMap((book) => [...book.positions.values()].map((position) => ({ account: book.account, position })));
    return [...shown, ...others];
  }

  /** The account shown is another one now; its own channel is the desk's. */
  follow() {
    const wanted = new Map(this.#all ? boot.accounts.filter(({ id }) => id !== this.account()?.id).map(({ id }) => [`account:${id}`, id]) : []);
    for (const channel of [...this.#others.keys()].filter((one) => !wanted.has(one))) {
      this.#others.delete(channel);
      if (channel !== `account:${this.account()?.id}`) this.socket.unsubscribe(channel);
    }
    for (const [channel, id] of wanted) {
      if (this.#others.has(channel)) continue;
      const book = Object.assign(new Book(), { account: id });
      book.addEventListener("positions", () => this.#tell());
      this.#others.set(channel, book);
      this.socket.subscribe(channel);
    }
    this.#tell();
  }

  #choose(all) {
    if (all === this.#all) return;
    this.#all = all;
    rememberObject(KEY, { all });
    this.#draw();
    this.follow();
  }

  #draw() {
    byId("holdings-choice").hidden = boot.accounts.length < 2;
    for (const button of document.querySelectorAll("[data-holdings]")) button.setAttribute("aria-pressed", String((button.dataset.holdings === "all") === this.#all));
  }

  #tell() {
    this.dispatchEvent(new Event("change"));
  }
}
