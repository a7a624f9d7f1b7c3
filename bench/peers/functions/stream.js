// Sixteen chunks of a kilobyte, made when the reader wants them.
const chunk = new TextEncoder().encode("x".repeat(1023) + "\n");

export default {
  fetch() {
    let left = 16;
    const body = new ReadableStream({
      pull(controller) {
        controller.enqueue(chunk);
        if (--left === 0) controller.close();
      },
    });
    return new Response(body, { headers: { "content-type": "text/plain" } });
  },
};
