"use strict";
(() => {
  const SHOWN = 50;
  const announce = (text) => { document.getElementById("announcement").textContent = text; };
  const words = (item) => item.dataset.words.toLowerCase();

  for (const element of document.querySelectorAll(".copy, .filter, .scripted")) {
    element.classList.remove("hidden");
  }

  // The clipboard is there only on https and localhost; elsewhere the text is selected, ready to be copied.
  const copy = async (source) => {
    try {
      await navigator.clipboard.writeText(source.textContent);
      return true;
    } catch {
      getSelection().selectAllChildren(source);
      return document.execCommand("copy");
    }
  };
  for (const button of document.querySelectorAll(".copy")) {
    button.addEventListener("click", async () => {
      const copied = await copy(document.getElementById(button.dataset.copy));
      button.textContent = copied ? "Copied" : "Selected";
      announce(copied ? "Copied to the clipboard" : "Selected, press the keys for copying");
      setTimeout(() => { button.textContent = "Copy"; }, 2000);
    });
  }

  const extents = (collection) => {
    const [start, end] = collection.extent?.temporal?.interval?.[0] ?? [];
    return start || end ? [`${start?.slice(0, 10) ?? ""} – ${end?.slice(0, 10) ?? "today"}`] : [];
  };
  const element = (tag, name, ...children) => {
    const made = document.createElement(tag);
    if (name) made.className = name;
    made.append(...children);
    return made;
  };
  const row = (collection, url) => {
    const link = element("a", "", String(collection.title || collection.id));
    link.href = `${url}/${String(collection.id).split("/").map(encodeURIComponent).join("/")}`;
    const spans = extents(collection).map((text) => element("span", "", text));
    const item = element("li", "",
      element("h3", "", link),
      element("p", "id", element("code", "", String(collection.id))),
      element("p", "about", String(collection.description ?? "").split("\n\n", 1)[0]),
      element("p", "extent", ...spans));
    item.dataset.words = [collection.id, collection.title, collection.description].join(" ");
    return item;
  };

  // A page with only the first collections fetches the others when somebody searches.
  const complete = async (list) => {
    const url = list.dataset.more;
    delete list.dataset.more;
    const known = new Set([...list.children].map((item) => item.querySelector(".id code").textContent));
    let next = url;
    while (next) {
      const answer = await (await fetch(next, { headers: { Accept: "application/json" } })).json();
      for (const collection of answer.collections) {
        if (!known.has(collection.id)) {
          known.add(collection.id);
          const item = row(collection, url);
          item.hidden = true;
          list.append(item);
        }
      }
      next = answer.links?.find((link) => link.rel === "next")?.href;
    }
  };

  const search = (list, text) => {
    const wanted = text.toLowerCase().split(/\s+/).filter(Boolean);
    const groups = list.querySelectorAll(".group");
    let found = 0;
    for (const item of list.querySelectorAll("[data-words]")) {
      const matches = wanted.every((word) => words(item).includes(word));
      found += matches;
      item.hidden = !matches || (!groups.length && found > SHOWN);
    }
    for (const group of groups) {
      group.hidden = !group.querySelector("[data-words]:not([hidden])");
      if (group.matches("details")) group.open = wanted.length > 0 && !group.hidden;
    }
    list.closest("main, section").querySelector(".nothing").hidden = found > 0;
    list.hidden = found === 0;
    announce(wanted.length ? `${found} found` : "");
  };
  for (const input of document.querySelectorAll("[data-filter]")) {
    const list = document.getElementById(input.dataset.filter);
    if (!list) {
      input.closest(".filter").classList.add("hidden");
      continue;
    }
    input.addEventListener("input", async () => {
      search(list, input.value);
      if (list.dataset.more && input.value) {
        try {
          await complete(list);
        } catch {
          announce("The other collections could not be fetched");
        }
        search(list, input.value);
      }
    });
  }

  // Paper cannot be clicked: groups are open on it, and as they were afterwards.
  let closed = [];
  addEventListener("beforeprint", () => {
    closed = [...document.querySelectorAll("details.group:not([open])")];
    for (const group of closed) group.open = true;
  });
  addEventListener("afterprint", () => {
    for (const group of closed) group.open = false;
  });

  // A link to an operation opens it.
  const reveal = () => {
    const details = location.hash && document.getElementById(decodeURIComponent(location.hash.slice(1)))?.querySelector(":scope > details");
    if (details) details.open = true;
  };
  addEventListener("hashchange", reveal);
  reveal();
})();
