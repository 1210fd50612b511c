/** A dimension's name in a text: campaign_id is "campaign id". */
export const spoken = (dimension: string): string => dimension.replaceAll("_", " ");

/** The same at the beginning of a line. */
export const titled = (dimension: string): string => spoken(dimension).replace(/^./u, (c) => c.toUpperCase());

/** Whether a value stands for none. */
export const isNone = (value: string): boolean => value === "(not set)" || value === "(other)";
