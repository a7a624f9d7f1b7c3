import { Component, type ReactNode } from 'react'
import { Notice } from './notice'

/** Catches what a page throws, so that the frame and its data age stay. */
export class Failed extends Component<{ children: ReactNode }, { error: Error | null }> {
  override state: { error: Error | null } = { error: null }

  static getDerivedStateFromError(error: Error) {
    return { error }
  }

  override render() {
    if (!this.state.error) return this.props.children
    return (
      <Notice title="This page failed" tone="bad">
        <p>{this.state.error.message}</p>
        <p>
          The functions are not affected. <a href={window.location.href}>Load the page again</a>
        </p>
      </Notice>
    )
  }
}
