// What axe does not see: text that overlaps other text, or leaves the box it stands in.

/** Runs in the page; answers what is wrong, a line each. */
export function geometry() {
  const found = new Set();
  const name = (element) => {
    const classes = [...element.classList].map((one) => `.${one}`).join("");
    return `${element.localName}${element.id === "" ? "" : `#${element.id}`}${classes}`;
  };
  const isShown = (element) => element.checkVisibility({ opacityProperty: true, visibilityProperty: true, contentVisibilityAuto: true });
  const styles = new Map();
  const style = (element) => {
    if (!styles.has(element)) styles.set(element, getComputedStyle(element));
    return styles.get(element);
  };
  const ancestors = (element) => {
    const all = [];
    for (let one = element; one !== null && one !== document.documentElement; one = one.parentElement) all.push(one);
    return all;
  };
  // For screen readers only: a box of a pixel, or one that is brought in when it has the focus.
  const isForReaders = (element) => ancestors(element).some((one) => {
    const box = one.getBoundingClientRect();
    const isPixel = box.width <= 1.5 && box.height <= 1.5 && style(one).overflowX !== "visible";
    return isPixel || (style(one).position === "absolute" && (box.bottom + scrollY <= 0 || box.right + scrollX <= 0));
  });
  const wide = document.documentElement.clientWidth;

  const pieces = [];
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  for (let node = walker.nextNode(); node !== null; node = walker.nextNode()) {
    const element = node.parentElement;
    if (node.data.trim() === "" || element.closest("script, style, noscript, option, title, desc") !== null) continue;
    if (!isShown(element) || isForReaders(element)) continue;
    const range = document.createRange();
    range.selectNodeContents(node);
    for (const rect of range.getClientRects()) {
      if (rect.width < 1 || rect.height < 1) continue;
      // Of a line, the part in which there is ink: the boxes of lines that are set tight do overlap.
      const ink = { left: rect.left + 0.5, right: rect.right - 0.5, top: rect.top + rect.height * 0.22, bottom: rect.bottom - rect.height * 0.22 };
      pieces.push({ element, node, ink, text: node.data.trim().slice(0, 40) });
    }
  }
  const say = (piece) => `${name(piece.element)} "${piece.text}"`;

  for (const piece of pieces) {
    const { ink, element } = piece;
    const scroller = ancestors(element).find((one) => one !== document.body && /auto|scroll/.test(style(one).overflowX));
    if (scroller === undefined && (ink.left < -1 || ink.right > wide + 1)) found.add(`${say(piece)} leaves the page`);
    let isFirst = true;
    for (const one of ancestors(element)) {
      if (one === scroller) break;
      const { display, position, overflowX, borderTopWidth, backgroundColor } = style(one);
      if (one === document.body || display === "contents") continue;
      const isPainted = borderTopWidth !== "0px" || !/^rgba\(.*, 0\)$/.test(backgroundColor);
      const isBlock = display !== "inline";
      if ((isBlock && isFirst) || isPainted || overflowX !== "visible") {
        const box = one.getBoundingClientRect();
        const isOut = ink.left < box.left - 1 || ink.right > box.right + 1 || ink.top < box.top - 1 || ink.bottom > box.bottom + 1;
        if (isOut) found.add(`${say(piece)} leaves ${name(one)}`);
      }
      if (isBlock) isFirst = false;
      if (position === "absolute" || position === "fixed") break;
    }
  }

  // Boxes that text of others must not touch.
  for (const element of document.querySelectorAll("input:not([type=hidden]), select, textarea, svg[role=img]")) {
    if (!isShown(element) || isForReaders(element)) continue;
    const { left, right, top, bottom } = element.getBoundingClientRect();
    pieces.push({ element, ink: { left: left + 1, right: right - 1, top: top + 1, bottom: bottom - 1 }, text: element.name ?? "" });
  }
  const isOver = (element) => ancestors(element).some((one) => /absolute|fixed/.test(style(one).position));
  for (const [index, one] of pieces.entries()) {
    for (const other of pieces.slice(index + 1)) {
      if (one.node === other.node && one.node !== undefined) continue;
      if (one.element.contains(other.element) && one.node === undefined) continue;
      if (other.element.contains(one.element) && other.node === undefined) continue;
      // What lies over the page by intent, such as an open menu, may cover it, but not itself.
      if (isOver(one.element) !== isOver(other.element) && isPanel(one.element, other.element)) continue;
      const across = Math.min(one.ink.right, other.ink.right) - Math.max(one.ink.left, other.ink.left);
      const down = Math.min(one.ink.bottom, other.ink.bottom) - Math.max(one.ink.top, other.ink.top);
      if (across > 1 && down > 1) found.add(`${say(one)} overlaps ${say(other)}`);
    }
  }
  function isPanel(one, other) {
    const over = [one, other].find(isOver);
    const panel = ancestors(over).find((part) => /absolute|fixed/.test(style(part).position));
    return !/^rgba\(.*, 0\)$/.test(style(panel).backgroundColor);
  }
  return [...found];
}
