/* Bringing one picture to the server, and saying in plain words why it did not get there. */
import { gettext } from "django-prose-editor/editor"

const LARGEST_BYTES = 20 * 1024 * 1024
const MINUTES_OF_PATIENCE = 5

/* What we know before a byte has left: words for the writer, or nothing. */
export const refusalOf = (file) => {
  if (file.type && !file.type.startsWith("image/")) return gettext("This is not a picture.")
  if (file.type === "image/svg+xml") return gettext("Mail programs show no SVG. Save it as PNG and try again.")
  if (file.size > LARGEST_BYTES) {
    const size = Math.ceil(file.size / 1024 / 1024)
    return gettext("This picture is too large: {size} MB, and 20 MB is the most.").replace("{size}", size)
  }
  return file.size ? "" : gettext("This file is empty.")
}

const answerOf = (request) => {
  try {
    return JSON.parse(request.responseText)
  } catch {
    return {}
  }
}

const refusalBy = (request) => {
  const { error } = answerOf(request)
  if (error) return error
  if (request.status === 413) return gettext("This picture is too large for the server.")
  if ([200, 401, 403].includes(request.status)) {
    return gettext("You seem to be logged out. Log in in another tab, then try again.")
  }
  return gettext("The server could not take this picture. Try again in a moment.")
}

/* {promise, cancel}: the promise keeps what the server says of the picture, or fails with words for the writer. */
export const upload = (file, { url, token, progress }) => {
  const request = new XMLHttpRequest()
  const promise = new Promise((resolve, reject) => {
    const lost = () => reject(new Error(gettext("The connection was lost. Nothing else is: try again.")))
    request.open("POST", url)
    request.timeout = MINUTES_OF_PATIENCE * 60 * 1000
    request.setRequestHeader("X-CSRFToken", token)
    request.setRequestHeader("Accept", "application/json")
    request.upload.addEventListener("progress", ({ loaded, total }) => progress(total ? loaded / total : 0))
    request.addEventListener("load", () => {
      const answer = answerOf(request)
      if (request.status === 200 && answer.src) resolve(answer)
      else reject(new Error(refusalBy(request)))
    })
    request.addEventListener("error", lost)
    request.addEventListener("timeout", lost)
    const form = new FormData()
    form.append("file", file, file.name || "picture")
    request.send(form)
  })
  return { promise, cancel: () => request.abort() }
}
