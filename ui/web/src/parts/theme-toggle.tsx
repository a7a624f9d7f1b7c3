import { useMantineColorScheme } from '@mantine/core'
import styles from './shell.module.css'

const NEXT = { auto: 'light', light: 'dark', dark: 'auto' } as const
const SIGN = { auto: '◐', light: '○', dark: '●' } as const

/** Goes round: as the system, light, dark. */
export function ThemeToggle() {
  const { colorScheme, setColorScheme } = useMantineColorScheme()
  const words = colorScheme === 'auto' ? 'as the system' : colorScheme
  return (
    <button
      type="button"
      className={styles.plain}
      onClick={() => setColorScheme(NEXT[colorScheme])}
      title={`Theme: ${words}`}
      aria-label={`Theme: ${words}. Change`}
    >
      <span aria-hidden>{SIGN[colorScheme]}</span> <span className={styles.wide}>theme</span>
    </button>
  )
}
