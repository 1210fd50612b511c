import { linkTo, parseView } from "./view";

/** A view that was given a name. Its link says what the URL says, so a preset in it stays one. */
export interface SavedView {
  name: string;
  link: string;
}

export const MOST_VIEWS = 100;
export const LONGEST_NAME = 60;
const LONGEST_LINK = 16_384;

/** A name as it is kept: without blanks around it and not too long. It may come out empty. */
export const nameOf = (text: string): string => [...text.trim().replace(/\s+/g, " ")].slice(0, LONGEST_NAME).join("").trim();

/** Reads what was kept. It may be anything: what is not a saved view is left out, and links become those of views. */
export function parseSaved(text: string | null): SavedView[] {
  let list: unknown;
  try {
    list = JSON.parse(text ?? "[]");
  } catch {
    return [];
  }
  return Array.isArray(list) ? list.flatMap(savedOf).reduceRight<SavedView[]>((views, v) => put(views, v), []).slice(0, MOST_VIEWS) : [];
}

function savedOf(entry: unknown): SavedView[] {
  if (typeof entry !== "object" || entry === null || !("name" in entry) || !("link" in entry)) return [];
  if (typeof entry.name !== "string" || typeof entry.link !== "string" || entry.link.length > LONGEST_LINK) return [];
  const name = nameOf(entry.name);
  return name === "" ? [] : [{ name, link: linkOf(entry.link) }];
}

function linkOf(text: string): string {
  const [path = "", ...query] = text.split("?");
  return linkTo(parseView(path, query.join("?")));
}

const same = (a: string, b: string): boolean => a.toLowerCase() === b.toLowerCase();

export const find = (views: SavedView[], name: string): SavedView | undefined => views.find((v) => same(v.name, nameOf(name)));

/** Adds a view in front, or replaces that of the same name where it stands. */
export function put(views: SavedView[], view: SavedView): SavedView[] {
  return find(views, view.name) ? views.map((v) => (same(v.name, view.name) ? view : v)) : [view, ...views];
}

export const without = (views: SavedView[], name: string): SavedView[] => views.filter((v) => !same(v.name, name));

/** Why a view can't be saved, or null. */
export function refusal(views: SavedView[], view: SavedView): string | null {
  if (view.name === "") return "Give the view a name.";
  if (view.link.length > LONGEST_LINK) return "The view has too many filter values to be saved.";
  if (views.length >= MOST_VIEWS && !find(views, view.name)) return `There are ${MOST_VIEWS} saved views. Delete one first.`;
  return null;
}
