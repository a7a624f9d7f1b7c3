import { Modal, type ModalProps } from '@mantine/core'
import type { ReactNode } from 'react'
import styles from './dialog.module.css'

interface DialogProps {
  title: string
  size?: ModalProps['size']
  onClose: () => void
  children: ReactNode
}

/** A dialog over the page. Esc and the button close it. */
export function Dialog({ title, size = 'md', onClose, children }: DialogProps) {
  return (
    <Modal
      opened
      onClose={onClose}
      title={title}
      size={size}
      centered={size === 'md'}
      lockScroll={false} // it would inject a style, which the page's policy forbids
      transitionProps={{ duration: 0 }}
      classNames={{
        title: styles.title ?? '',
        header: styles.header ?? '',
        body: styles.body ?? '',
        inner: styles.inner ?? '',
        content: styles.content ?? '',
      }}
      closeButtonProps={{ 'aria-label': 'Close' }}
      attributes={{ header: { role: 'presentation' } }}
    >
      {children}
    </Modal>
  )
}
