import { createTheme, localStorageColorSchemeManager } from '@mantine/core'

// Colours are CSS variables of app.css: the page's policy forbids injected styles.
export const theme = createTheme({
  defaultRadius: 'sm',
  fontFamily: 'var(--font)',
  fontFamilyMonospace: 'var(--mono)',
  cursorType: 'pointer',
})

/** The key is also read by public/theme.js, before the first paint. */
export const colorSchemeManager = localStorageColorSchemeManager({ key: 'hadron-color-scheme' })
