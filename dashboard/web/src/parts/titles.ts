import { type Page } from "../state/view";

export const titles: Record<Page, string> = {
  overview: "Overview", breakdown: "Breakdown", retention: "Retention", explain: "Explain", realtime: "Real time", pipeline: "Pipeline",
};
