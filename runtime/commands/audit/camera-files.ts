/** What the audit and its camera share a folder for. */
export const CAMERA_FILES = { key: 'key', orders: 'order.fifo', answers: 'answer.fifo' } as const;
