/** Elements, made in one expression each. Texts are text nodes: nothing of a model's can become markup. */

type Value = string | number | boolean | undefined | ((event: Event) => void)

/** Attributes by name; `true` sets an empty one, `false` and undefined none; `onclick` and the like are listeners. */
export type Attributes = Readonly<Record<string, Value>>

/** What can stand inside an element; undefined is left out. */
export type Child = Node | string | undefined

/** Makes an element. */
export function el<K extends keyof HTMLElementTagNameMap>(
  tag: K,
  attributes: Attributes = {},
  ...children: readonly Child[]
): HTMLElementTagNameMap[K] {
  const element = document.createElement(tag)
  for (const [name, value] of Object.entries(attributes)) {
    if (typeof value === 'function') element.addEventListener(name.slice(2), value)
    else if (value !== undefined && value !== false)
      element.setAttribute(name, value === true ? '' : String(value))
  }
  element.append(...present(children))
  return element
}

/** Puts other children into an element. */
export const fill = (element: Element, ...children: readonly Child[]): void =>
  element.replaceChildren(...present(children))

const present = (children: readonly Child[]): (Node | string)[] =>
  children.filter((child) => child !== undefined)

let ids = 0

/** An id that no other element has. */
export const newId = (name: string): string => `${name}-${++ids}`
