// Rows of a spreadsheet or of a CSV file as legs. What cannot be read stays as typed: the server's refusal names the field.

const HEADS = {
  symbol: ["symbol", "code", "instrument", "代码", "证券代码", "标的"],
  side: ["side", "direction", "方向", "买卖", "买卖方向"],
  quantity: ["quantity", "shares", "volume", "数量", "股数", "目标数量"],
  value: ["value", "amount", "金额", "市值", "目标金额"],
  weight: ["weight", "权重", "仓位", "目标权重"],
  price_type: ["price_type", "price type", "type", "价格类型", "报价方式"],
  price: ["price", "limit", "价格", "限价"],
};
const SIDES = { BUY: "BUY", B: "BUY", 买: "BUY", 买入: "BUY", SELL: "SELL", S: "SELL", 卖: "SELL", 卖出: "SELL" };

/** Cells of one text; tabs (a spreadsheet's clipboard) go before semicolons and commas, quotes may hold either. */
function cells(text) {
  const separator = text.includes("\t") ? "\t" : /;/.test(text) && !/,/.test(text) ? ";" : ",";
  const rows = [[]];
  let cell = "";
  let quoted = false;
  const put = () => {
    rows.at(-1).push(cell.trim());
    cell = "";
  };
  const plain = text.replace(/^\uFEFF/, "").replace(/\r\n?/g, "\n").replace(/，/g, ",");
  for (let index = 0; index < plain.length; index += 1) {
    const sign = plain[index];
    if (quoted) {
      if (sign !== '"') cell += sign;
      else if (plain[index + 1] === '"') cell += plain[(index += 1)];
      else quoted = false;
    } else if (sign === '"' && cell.trim() === "") quoted = true;
    else if (sign === separator) put();
    else if (sign === "\n") {
      put();
      rows.push([]);
    } else cell += sign;
  }
  put();
  return rows.filter((row) => row.some(Boolean));
}

/** 5% as 0.05, by moving the point: no binary fraction comes near it. */
function fraction(text) {
  const match = /^(\d+)(?:\.(\d+))?\s*%$/.exec(text);
  if (!match) return text;
  const digits = match[1].padStart(3, "0");
  return `${digits.slice(0, -2)}.${digits.slice(-2)}${match[2] ?? ""}`.replace(/^0+(?=\d)/, "");
}

const clean = {
  symbol: (text) => text.toUpperCase(),
  side: (text) => SIDES[text.toUpperCase()] ?? text,
  price_type: (text) => text.toUpperCase(),
  weight: fraction,
};
const figure = (text) => text.replace(/(?<=\d),(?=\d{3}(\D|$))/g, "");

/**
 * Legs as typed, one object of texts a row.
 *
 * @param {string} text
 * @param {string[]} order  the columns of a text without a head line
 */
export function legsOf(text, order) {
  const rows = cells(text);
  if (!rows.length) return [];
  const named = rows[0].map((head) => Object.keys(HEADS).find((name) => HEADS[name].includes(head.toLowerCase())) ?? null);
  const headed = named.includes("symbol");
  const columns = headed ? named : order;
  return rows.slice(headed ? 1 : 0).map((row) => {
    const leg = {};
    columns.forEach((name, index) => {
      const cell = row[index] ?? "";
      if (name && cell) leg[name] = (clean[name] ?? figure)(cell);
    });
    return leg;
  });
}
