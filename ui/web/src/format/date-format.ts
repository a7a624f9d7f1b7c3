/** Formats dates for the viewer. Made at its first use: a page's first format takes tens of milliseconds to make. */
export function dateFormat(options: Intl.DateTimeFormatOptions): (date: Date) => string {
  let format: Intl.DateTimeFormat | null = null
  return (date) => {
    format ??= new Intl.DateTimeFormat(undefined, options)
    return format.format(date)
  }
}
