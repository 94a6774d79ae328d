//! What decides which nodes a pod can land on.

use super::slim;

slim! {
    /// `spec.affinity`
    Affinity {
        /// The part about nodes; preferences and pod affinities are not read.
        node_affinity: NodeAffinity,
    }
}

slim! {
    /// `spec.affinity.nodeAffinity`
    NodeAffinity {
        /// What a node must fulfil; `None` when nothing is asked.
        #[serde(rename = "requiredDuringSchedulingIgnoredDuringExecution")]
        required: Option<NodeSelector>,
    }
}

slim! {
    /// A choice of nodes: those that one of the terms selects.
    NodeSelector {
        /// The terms; none select nothing.
        node_selector_terms: Vec<NodeSelectorTerm>,
    }
}

slim! {
    /// A term: every requirement of it must hold; an empty one selects nothing.
    NodeSelectorTerm {
        /// On labels.
        match_expressions: Vec<NodeSelectorRequirement>,
        /// On fields; `metadata.name` is the only one that there is.
        match_fields: Vec<NodeSelectorRequirement>,
    }
}

slim! {
    /// One requirement.
    NodeSelectorRequirement {
        /// The label or field.
        key: String,
        /// `In`, `NotIn`, `Exists`, `DoesNotExist`, `Gt` or `Lt`.
        operator: String,
        /// What it is compared with.
        values: Vec<String>,
    }
}

slim! {
    /// An entry of `spec.tolerations`.
    Toleration {
        /// The taint's key; empty for every taint.
        key: String,
        /// `Equal` (also when empty) or `Exists`.
        operator: String,
        /// The taint's value.
        value: String,
        /// The taint's effect; empty for every effect.
        effect: String,
    }
}

slim! {
    /// An entry of a node's `spec.taints`.
    NodeTaint {
        /// The key.
        key: String,
        /// The value.
        value: String,
        /// The effect.
        effect: String,
    }
}
