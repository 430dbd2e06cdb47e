package dev.sandlot.control;

/** How far a build has come: as the store groups it and as the API tells it (public-api.md 6.6, 22). */
enum BuildStatus {
    WAITING("pending", "waiting"),
    BUILDING("in_progress", "building"),
    READY("ready", "ready"),
    ERROR("failed", "error");

    private final String group;
    private final String text;

    BuildStatus(String group, String text) {
        this.group = group;
        this.text = text;
    }

    String text() {
        return text;
    }

    static BuildStatus ofGroup(String group) {
        for (BuildStatus status : values()) {
            if (status.group.equals(group)) {
                return status;
            }
        }
        throw new IllegalArgumentException("no builds are " + group);
    }
}
