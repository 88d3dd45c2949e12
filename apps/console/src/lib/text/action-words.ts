const words: Readonly<Record<string, string>> = {
  'deployment.rolled_back': 'rolled back',
  'deployment.created': 'created',
  'deployment.deleted': 'deleted',
  'deployment.suspended': 'paused',
  'deployment.resumed': 'resumed',
  'deployment.status_changed': 'changed its status',
  'revision.created': 'new revision',
  'rollout.completed': 'rollout completed',
  'rollout.aborted': 'rollout aborted',
  'rollout.abort_requested': 'rollout stopped by hand',
};

/** `deployment.rolled_back` as people say it; an unknown action loses its dots only. */
export function actionWords(action: string): string {
  return words[action] ?? action.replace(/^deployment\./, '').replace(/[._]/g, ' ');
}
